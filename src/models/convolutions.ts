/** What a convolution of a graph is, as far as its weights are constants. */
import type { Constants } from './graphIndex.ts';
import { int64ToNumber, type OnnxNode, tensorDims } from './onnx.ts';

/** [outputs, inputs / group, height, width] of a 2-D convolution; undefined for anything else. */
export function convKernel(node: OnnxNode, constants: Constants): number[] | undefined {
  const kernel = node.opType === 'Conv' ? constants.get(node.input[1] ?? '') : undefined;
  const dims = kernel && tensorDims(kernel);
  if (dims?.length !== 4) return undefined;
  const bias = node.input[2];
  return bias === undefined || constants.has(bias) ? dims : undefined;
}

/** Output channels of a 2-D convolution. */
export function channelsOfConv(node: OnnxNode, constants: Constants): number | undefined {
  return convKernel(node, constants)?.[0];
}

export function groupOfConv(node: OnnxNode): number {
  const group = node.attribute.find(({ name }) => name === 'group')?.i;
  return group === undefined ? 1 : int64ToNumber(group);
}

/** Whether a 2-D convolution computes every channel of its output from the same channel of its input alone. */
export function isDepthwise(node: OnnxNode, constants: Constants): boolean {
  const [channels, each] = convKernel(node, constants) ?? [];
  return each === 1 && groupOfConv(node) === channels;
}

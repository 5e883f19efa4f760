/**
 * Depthwise convolutions of as many channels as the fast kernels take, for ONNX Runtime on a CPU. Those keep pictures
 * in blocks of 8 or 16 channels (NCHWc) and leave a depthwise convolution whose channels do not fill the last block to
 * a slow one; what lies before and behind it is then brought out of blocks and back: the pose network, a ShuffleNet,
 * has 24, 58, 116 and 232 channels. Here the last block is filled: the convolutions that make the channels make further
 * ones with weights of zero, and those that read them read these with weights of zero. What the graph computes stays
 * the same, but for the order in which a kernel adds.
 */
import { convKernel, groupOfConv, isDepthwise } from './convolutions.ts';
import { type GraphIndex, indexGraph } from './graphIndex.ts';
import {
  DATA_TYPE,
  float32Values,
  intAttribute,
  makeTensor,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  tensorDims,
} from './onnx.ts';

/** Channels of a block at most: with AVX-512; other processors' blocks are half of it. */
const BLOCK = 16;
/** Channels grow at most this many times: beyond it, more than half of the work would be on zeros. */
const MAX_GROWTH = 2;
/** What treats every channel alike and for itself. */
const CHANNELWISE = new Set(['Relu', 'Clip', 'MaxPool', 'AveragePool']);

/** Inputs of a convolution: kernel [outputs, inputs, height, width] and bias [outputs]. */
const KERNEL = 1;
const BIAS = 2;

/** Rewrites in place; returns how many depthwise convolutions were. */
export function padDepthwise(graph: OnnxGraph): number {
  const index = indexGraph(graph);
  const widths = new Map<OnnxNode, Widths>();
  for (const values of channelSets(graph, index)) {
    const roles = rolesOf(values, index);
    const wanted = roles && wantedChannels(roles);
    if (roles === undefined || wanted === undefined) continue;
    const widen = (node: OnnxNode, width: Widths): unknown =>
      widths.set(node, { ...widths.get(node), ...width });
    for (const node of roles.makers) widen(node, { outputs: wanted });
    for (const node of roles.depthwise) widen(node, { outputs: wanted, group: wanted });
    for (const node of roles.readers) widen(node, { inputs: wanted });
  }
  if (widths.size === 0) return 0;
  const added: OnnxTensor[] = [];
  graph.node = graph.node.map((node) => {
    const width = widths.get(node);
    return width === undefined ? node : widened(node, width, index, added);
  });
  const replaced = new Set([...widths.keys()].flatMap(({ input }) => input.slice(KERNEL)));
  const read = new Set(graph.node.flatMap(({ input }) => input));
  const kept = graph.initializer.filter(({ name }) => !replaced.has(name) || read.has(name));
  graph.initializer = [...kept, ...added];
  return [...widths.values()].filter(({ group }) => group !== undefined).length;
}

/** What a convolution is to have in place of what it has. */
interface Widths {
  readonly outputs?: number;
  readonly inputs?: number;
  readonly group?: number;
}

/** The convolution with these channels, those that it did not have with weights of zero. */
function widened(
  node: OnnxNode,
  { outputs, inputs, group }: Widths,
  { constants }: GraphIndex,
  added: OnnxTensor[],
): OnnxNode {
  const kernel = constants.get(node.input[KERNEL]!)!;
  const [hasOutputs = 0, hasInputs = 0] = tensorDims(kernel);
  const name = `${node.output[0]}/padded`;
  const input = [node.input[0]!, `${name}/kernel`];
  added.push(padTensor(input[KERNEL]!, kernel, [outputs ?? hasOutputs, inputs ?? hasInputs]));
  const bias = constants.get(node.input[BIAS] ?? '');
  if (bias !== undefined) {
    input.push(`${name}/bias`);
    added.push(padTensor(input[BIAS]!, bias, [outputs ?? hasOutputs]));
  }
  if (group === undefined) return { ...node, input };
  const others = node.attribute.filter((attribute) => attribute.name !== 'group');
  return { ...node, input, attribute: [...others, intAttribute('group', group)] };
}

/** Full blocks of channels for a set; undefined where they are full, or too few. */
function wantedChannels({ depthwise }: Roles): number | undefined {
  const [first] = depthwise;
  if (first === undefined) return undefined;
  const channels = groupOfConv(first);
  const wanted = Math.ceil(channels / BLOCK) * BLOCK;
  return wanted === channels || wanted > channels * MAX_GROWTH ? undefined : wanted;
}

/** Sets of values with the same channels: what depthwise convolutions and operators channel by channel pass on. */
function channelSets(graph: OnnxGraph, { constants }: GraphIndex): ReadonlySet<string>[] {
  const sets = new Map<string, Set<string>>();
  const setOf = (value: string): Set<string> => {
    const known = sets.get(value) ?? new Set([value]);
    sets.set(value, known);
    return known;
  };
  for (const node of graph.node) {
    const [from, to] = [node.input[0], node.output[0]];
    if (from === undefined || to === undefined) continue;
    if (!CHANNELWISE.has(node.opType) && !isDepthwise(node, constants)) continue;
    const joined = setOf(from);
    for (const value of setOf(to)) {
      joined.add(value);
      sets.set(value, joined);
    }
  }
  return [...new Set(sets.values())];
}

/** The convolutions of a set of values. */
interface Roles {
  /** Ordinary ones that the set begins with. */
  readonly makers: ReadonlySet<OnnxNode>;
  readonly depthwise: ReadonlySet<OnnxNode>;
  /** Ordinary ones that it ends with. */
  readonly readers: ReadonlySet<OnnxNode>;
}

/** Undefined where anything else makes or reads a value, whose channels would then be too many. */
function rolesOf(values: ReadonlySet<string>, index: GraphIndex): Roles | undefined {
  const { constants, producers, consumers, outputs } = index;
  const isOrdinary = (node: OnnxNode): boolean =>
    convKernel(node, constants) !== undefined && groupOfConv(node) === 1;
  const [makers, depthwise, readers] = [new Set<OnnxNode>(), new Set<OnnxNode>(), new Set<OnnxNode>()];
  for (const value of values) {
    const maker = producers.get(value);
    if (maker === undefined || outputs.has(value) || maker.output.length > 1) return undefined;
    if (isDepthwise(maker, constants)) depthwise.add(maker);
    else if (isOrdinary(maker)) makers.add(maker);
    else if (!CHANNELWISE.has(maker.opType)) return undefined;
    for (const reader of consumers.get(value) ?? []) {
      if (reader.input.lastIndexOf(value) !== 0) return undefined;
      if (isOrdinary(reader)) readers.add(reader);
      else if (!CHANNELWISE.has(reader.opType) && !isDepthwise(reader, constants)) return undefined;
    }
  }
  const tensors = [...makers, ...depthwise, ...readers].flatMap(({ input }) =>
    input.slice(KERNEL).flatMap((name) => constants.get(name) ?? []),
  );
  return tensors.every(isFloat32) ? { makers, depthwise, readers } : undefined;
}

function isFloat32({ dataType, externalData }: OnnxTensor): boolean {
  return dataType === DATA_TYPE.float32 && (externalData?.length ?? 0) === 0;
}

/** The tensor with zeros behind its values along its first axes, of these sizes then. */
function padTensor(name: string, tensor: OnnxTensor, sizes: readonly number[]): OnnxTensor {
  const dims = tensorDims(tensor);
  const [, rows = 1, ...others] = dims;
  const [outputs = 0, inputs = rows] = sizes;
  const each = others.reduce((product, size) => product * size, 1);
  const values = float32Values(tensor);
  const padded = new Float32Array(outputs * inputs * each);
  for (let from = 0, to = 0; from < values.length; from += rows * each, to += inputs * each) {
    padded.set(values.subarray(from, from + rows * each), to);
  }
  return makeTensor(name, [...sizes, ...dims.slice(sizes.length)], padded);
}

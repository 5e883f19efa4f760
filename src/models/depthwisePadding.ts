/**
 * Depthwise convolutions of as many channels as the fast kernels take, for ONNX Runtime on a CPU. Those keep pictures in blocks
 * of 8 or 16 channels (NCHWc) and leave a depthwise convolution whose channels do not fill the last block to a slow one; what
 * lies before and behind it is then brought out of blocks and back. ShuffleNet has 58, 116 and 232 channels, MobileNets and
 * EfficientNets 24, 40 and the like. Here the last block is filled: the convolutions that make the channels make further ones with
 * weights of zero, and those that read them read these with weights of zero. What the graph computes stays the same, but
 * for the order in which a kernel adds.
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
/** Of fewer channels more than half would be for nothing. */
const MAX_GROWTH = 2;
/** What treats every channel alike and for itself. */
const CHANNELWISE = new Set(['Relu', 'Clip', 'MaxPool', 'AveragePool']);

/** Rewrites in place; returns how many depthwise convolutions were. */
export function padDepthwise(graph: OnnxGraph): number {
  let padded = 0;
  // Each set changes nodes that another may begin or end with.
  for (const values of channelSets(graph)) padded += padSet(graph, values);
  return padded;
}

/** Sets of values with the same channels: what depthwise convolutions and operators channel by channel pass on. */
function channelSets(graph: OnnxGraph): ReadonlySet<string>[] {
  const { constants } = indexGraph(graph);
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

/** Returns how many depthwise convolutions are in the set, if it can be padded. */
function padSet(graph: OnnxGraph, values: ReadonlySet<string>): number {
  const index = indexGraph(graph);
  const roles = rolesOf(values, index);
  const [first] = roles?.depthwise ?? [];
  if (roles === undefined || first === undefined) return 0;
  const channels = groupOfConv(first);
  const wanted = Math.ceil(channels / BLOCK) * BLOCK;
  if (wanted === channels || wanted > channels * MAX_GROWTH) return 0;
  const added: OnnxTensor[] = [];
  const padInput = (node: OnnxNode, at: number, axis: 0 | 1): OnnxNode => {
    const tensor = index.constants.get(node.input[at] ?? '');
    if (tensor === undefined) return node;
    const name = `${node.output[0]}/padded/${at}/${axis}`;
    added.push(padTensor(name, tensor, axis, wanted));
    return { ...node, input: node.input.with(at, name) };
  };
  const withOutputs = (node: OnnxNode): OnnxNode => padInput(padInput(node, KERNEL, 0), BIAS, 0);
  graph.node = graph.node.map((node) => {
    if (roles.makers.has(node)) return withOutputs(node);
    if (roles.readers.has(node)) return padInput(node, KERNEL, 1);
    if (roles.depthwise.has(node)) return withGroup(withOutputs(node), wanted);
    return node;
  });
  graph.initializer = [...graph.initializer, ...added];
  return roles.depthwise.size;
}

/** Inputs of a convolution, kernel [outputs, inputs, height, width] and bias [outputs]. */
const KERNEL = 1;
const BIAS = 2;

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

function withGroup(node: OnnxNode, group: number): OnnxNode {
  const others = node.attribute.filter(({ name }) => name !== 'group');
  return { ...node, attribute: [...others, intAttribute('group', group)] };
}

/** The tensor with zeros behind its values along the first or second axis, `size` in all. */
function padTensor(name: string, tensor: OnnxTensor, axis: 0 | 1, size: number): OnnxTensor {
  const dims = tensorDims(tensor);
  const values = float32Values(tensor);
  const lists = axis === 0 ? 1 : dims[0]!;
  const each = values.length / lists;
  const wanted = (each / dims[axis]!) * size;
  const padded = new Float32Array(lists * wanted);
  for (let i = 0; i < lists; i++) padded.set(values.subarray(i * each, (i + 1) * each), i * wanted);
  return makeTensor(name, dims.with(axis, size), padded);
}

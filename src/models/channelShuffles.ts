/**
 * Channel shuffles as gathers, for ONNX Runtime on a CPU. ShuffleNet mixes the channels of its two branches by looking at
 * them as groups × channels, transposing, and looking at the result as channels again, which is then split in half:
 *
 *     Reshape [N,C,H,W] → [N,g,C/g,H,W], Transpose → [N,C/g,g,H,W], Reshape → [N,C,H,W], Split
 *
 * The runtime moves all of it twice, once pixel by pixel. Which channel goes where is known beforehand, so each half is
 * picked from the input as whole planes. The values stay what they are, to the bit.
 */
import { type Constants, type GraphIndex, indexGraph, onlyConsumer } from './graphIndex.ts';
import {
  int64ToNumber,
  int64Values,
  intAttribute,
  makeInt64Tensor,
  makeNode,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from './onnx.ts';

/** Rewrites in place; returns how many shuffles were. Those whose shapes are computed are left. */
export function rewriteShuffles(graph: OnnxGraph): number {
  const index = indexGraph(graph);
  const shuffles = graph.node.flatMap((node) => shuffleFrom(node, index) ?? []);
  const replaced = new Map<OnnxNode, readonly OnnxNode[]>();
  const added: OnnxTensor[] = [];
  for (const { nodes, shape, channels, parts } of shuffles) {
    const [reshape, ...others] = nodes;
    const planes = `${reshape.output[0]}/shuffle/planes`;
    const constant = (name: string, values: readonly number[]): string => {
      added.push(makeInt64Tensor(name, values));
      return name;
    };
    for (const node of others) replaced.set(node, []);
    replaced.set(reshape, [
      // As a rule the input has this shape already; nothing in the graph says so, and it costs next to nothing.
      makeNode('Reshape', [reshape.input[0]!, constant(`${planes}/shape`, shape)], [planes]),
      ...parts.map(({ output, first, count }) => {
        const picked = constant(`${output}/shuffle/channels`, channels.slice(first, first + count));
        return makeNode('Gather', [planes, picked], [output], [intAttribute('axis', 1)]);
      }),
    ]);
  }
  graph.node = graph.node.flatMap((node) => replaced.get(node) ?? [node]);
  graph.initializer = [...graph.initializer, ...added];
  return shuffles.length;
}

interface Shuffle {
  /** What it is made of, in order: reshape, transpose, reshape, and the split if there is one. */
  readonly nodes: readonly [OnnxNode, ...OnnxNode[]];
  /** Of the result, as a reshape asks for it; the first axis is that of the graph's own reshapes, as a rule 0: as it is. */
  readonly shape: readonly number[];
  /** For each channel of the result, that of the input. */
  readonly channels: readonly number[];
  /** The outputs: each is `count` channels of the result. */
  readonly parts: readonly Part[];
}

interface Part {
  readonly output: string;
  readonly first: number;
  readonly count: number;
}

/** The shuffle that begins with this node, if one does. */
function shuffleFrom(first: OnnxNode, index: GraphIndex): Shuffle | undefined {
  const grouped = shapeOf(first, index.constants);
  const transpose = grouped?.length === 5 ? onlyConsumer(index, first) : undefined;
  const last = transpose && isGroupSwap(transpose) ? onlyConsumer(index, transpose) : undefined;
  const flat = last && shapeOf(last, index.constants);
  if (grouped === undefined || flat?.length !== 4) return undefined;
  const [batch, groups, each, height, width] = grouped as [number, number, number, number, number];
  const count = groups * each;
  const isSame = flat[0] === batch && flat[2] === height && flat[3] === width;
  if (Math.min(groups, each, height, width) < 1 || !isSame || !(flat[1] === count || flat[1] === -1))
    return undefined;
  const split = onlyConsumer(index, last!);
  const parts = split && partsOf(split, count, index.constants);
  return {
    nodes: [first, transpose!, last!, ...(parts === undefined ? [] : [split!])],
    shape: [batch, count, height, width],
    channels: Array.from({ length: count }, (_, i) => (i % groups) * each + Math.floor(i / groups)),
    parts: parts ?? [{ output: last!.output[0]!, first: 0, count }],
  };
}

/** What a reshape asks for, where that is a constant. */
function shapeOf(node: OnnxNode, constants: Constants): number[] | undefined {
  const shape = node.opType === 'Reshape' ? constants.get(node.input[1] ?? '') : undefined;
  // `allowzero` gives zeros another meaning.
  return shape === undefined || node.attribute.length > 0 ? undefined : int64Values(shape);
}

function isGroupSwap(node: OnnxNode): boolean {
  const order = node.opType === 'Transpose' ? intsOf(node, 'perm') : undefined;
  return order?.join() === '0,2,1,3,4';
}

/** The parts of a split of channels, where their sizes are constants. */
function partsOf(node: OnnxNode, channels: number, constants: Constants): Part[] | undefined {
  if (node.opType !== 'Split') return undefined;
  const axis = node.attribute.find(({ name }) => name === 'axis')?.i;
  if (axis === undefined || int64ToNumber(axis) !== 1) return undefined;
  const given = constants.get(node.input[1] ?? '');
  if (given === undefined && node.input.length > 1) return undefined;
  const sizes = (given && int64Values(given)) ?? intsOf(node, 'split');
  const counts = sizes ?? node.output.map(() => channels / node.output.length);
  if (!counts.every(Number.isInteger)) return undefined;
  let first = 0;
  return node.output.map((output, i) => {
    const part = { output, first, count: counts[i]! };
    first += part.count;
    return part;
  });
}

function intsOf(node: OnnxNode, name: string): number[] | undefined {
  return node.attribute.find((attribute) => attribute.name === name)?.ints?.map(int64ToNumber);
}

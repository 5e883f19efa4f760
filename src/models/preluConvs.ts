/**
 * PRelu as convolutions, for ONNX Runtime on a CPU. Its fast CPU kernels keep pictures in blocks of channels (NCHWc);
 * there is no PRelu among them, so every PRelu brings the picture back to planes, runs without vector instructions and
 * is brought into blocks again: half of the time of a MobileFaceNet (docs/decisions/cpu-speed.md). The same function
 * from operators that have such kernels, a = slope of the channel:
 *
 *     PRelu(x) = a·x + relu((1 − a)·x)          where a ≤ 1
 *     PRelu(x) = a·x + (1 − a)·relu(x)          for any a
 *
 * A multiplication by channel is a depthwise 1×1 convolution. After a depthwise convolution the factors go into its
 * weights: it is computed twice, which costs less than reading its output twice more. Sums and relus are fused into the
 * convolutions by the runtime. On a GPU PRelu is one pass and stays.
 */
import { channelsOfConv, isDepthwise } from './convolutions.ts';
import { type Constants, indexGraph, onlyConsumer } from './graphIndex.ts';
import {
  DATA_TYPE,
  float32Values,
  intAttribute,
  intsAttribute,
  makeNode,
  makeTensor,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  tensorDims,
} from './onnx.ts';

/** Rewrites in place; returns how many nodes were. Slopes that are computed, or not one a channel, are left. */
export function rewritePRelu(graph: OnnxGraph): number {
  const index = indexGraph(graph);
  const { constants, producers } = index;
  const replaced = new Map<OnnxNode, readonly OnnxNode[]>();
  const added: OnnxTensor[] = [];
  let rewritten = 0;
  for (const node of graph.node) {
    if (node.opType !== 'PRelu') continue;
    const [x = '', slopeName = ''] = node.input;
    const conv = producers.get(x);
    const slopes = channelSlopes(constants.get(slopeName));
    if (conv === undefined || slopes === undefined) continue;
    if (channelsOfConv(conv, constants) !== slopes.length) continue;
    const [y = ''] = node.output;
    const context: Rewrite = {
      x,
      y,
      slopes,
      tensor: (name, dims, values) => {
        added.push(makeTensor(`${y}/prelu/${name}`, dims, values));
        return `${y}/prelu/${name}`;
      },
    };
    if (slopes.some((slope) => slope > 1)) {
      replaced.set(node, anySlopes(context));
    } else if (isDepthwise(conv, constants) && onlyConsumer(index, conv) === node) {
      replaced.set(conv, []);
      replaced.set(node, foldedSlopes(context, conv, constants));
    } else {
      replaced.set(node, smallSlopes(context));
    }
    rewritten++;
  }
  graph.node = graph.node.flatMap((node) => replaced.get(node) ?? [node]);
  graph.initializer = [...graph.initializer, ...added];
  return rewritten;
}

interface Rewrite {
  /** Names of the PRelu's input and output. */
  readonly x: string;
  readonly y: string;
  readonly slopes: Float32Array;
  /** Adds a constant and answers its name. */
  tensor(name: string, dims: readonly number[], values: Float32Array): string;
}

/** a·x + relu((1 − a)·x). */
function smallSlopes({ x, y, slopes, tensor }: Rewrite): OnnxNode[] {
  const rest = slopes.map((slope) => 1 - slope);
  return [
    timesFactors(x, 'rest', rest, `${y}/prelu/scaled`, tensor),
    makeNode('Relu', [`${y}/prelu/scaled`], [`${y}/prelu/positive`]),
    timesFactors(x, 'slope', slopes, `${y}/prelu/linear`, tensor),
    makeNode('Add', [`${y}/prelu/linear`, `${y}/prelu/positive`], [y]),
  ];
}

/** a·x + (1 − a)·relu(x). */
function anySlopes({ x, y, slopes, tensor }: Rewrite): OnnxNode[] {
  const rest = slopes.map((slope) => 1 - slope);
  return [
    makeNode('Relu', [x], [`${y}/prelu/positive`]),
    timesFactors(`${y}/prelu/positive`, 'rest', rest, `${y}/prelu/scaled`, tensor),
    timesFactors(x, 'slope', slopes, `${y}/prelu/linear`, tensor),
    makeNode('Add', [`${y}/prelu/linear`, `${y}/prelu/scaled`], [y]),
  ];
}

/** The depthwise convolution that made x, once with weights·a and once with weights·(1 − a) and a relu. */
function foldedSlopes({ y, slopes, tensor }: Rewrite, conv: OnnxNode, constants: Constants): OnnxNode[] {
  const [input = '', weightName = '', biasName] = conv.input;
  const kernel = constants.get(weightName)!;
  const bias = constants.get(biasName ?? '');
  const dims = tensorDims(kernel);
  const kernelValues = float32Values(kernel);
  const biasValues = bias === undefined ? undefined : float32Values(bias);
  const convTimes = (part: string, factors: Float32Array): OnnxNode => {
    const inputs = [input, tensor(`${part}-weights`, dims, timesChannel(kernelValues, factors))];
    if (biasValues !== undefined) {
      inputs.push(tensor(`${part}-bias`, [factors.length], timesChannel(biasValues, factors)));
    }
    return makeNode('Conv', inputs, [`${y}/prelu/${part}`], conv.attribute);
  };
  return [
    convTimes(
      'scaled',
      slopes.map((slope) => 1 - slope),
    ),
    makeNode('Relu', [`${y}/prelu/scaled`], [`${y}/prelu/positive`]),
    convTimes('linear', slopes),
    makeNode('Add', [`${y}/prelu/linear`, `${y}/prelu/positive`], [y]),
  ];
}

/** A depthwise 1×1 convolution: every channel times its factor. */
function timesFactors(
  x: string,
  name: string,
  factors: Float32Array,
  y: string,
  tensor: Rewrite['tensor'],
): OnnxNode {
  const channels = factors.length;
  return makeNode(
    'Conv',
    [x, tensor(name, [channels, 1, 1, 1], factors)],
    [y],
    [intsAttribute('kernel_shape', [1, 1]), intAttribute('group', channels)],
  );
}

function timesChannel(values: Float32Array, factors: Float32Array): Float32Array {
  const each = values.length / factors.length;
  return values.map((value, i) => value * factors[Math.floor(i / each)]!);
}

/** One slope a channel, [C,1,1] or [1,C,1,1]; undefined for any other form. */
function channelSlopes(tensor: OnnxTensor | undefined): Float32Array | undefined {
  if (tensor === undefined || tensor.dataType !== DATA_TYPE.float32) return undefined;
  const dims = tensorDims(tensor);
  const [channels = 0, ...others] = dims.length === 4 && dims[0] === 1 ? dims.slice(1) : dims;
  if (others.length !== 2 || others.some((size) => size !== 1)) return undefined;
  const slopes = float32Values(tensor);
  return slopes.length === channels ? slopes : undefined;
}

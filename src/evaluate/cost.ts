/** What a network costs, read from its graph: parameters, multiply-adds of one item, bytes; and its measured speed. */
import { readFile } from 'node:fs/promises';
import '../shared/noTelemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  DATA_TYPE,
  decodeModel,
  encodeModel,
  int64ToNumber,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  tensorDims,
  valueShape,
} from '../models/onnx.ts';
import type { Cost } from './result.ts';

/** Operators whose work is multiply-adds; everything else is counted as free. */
const MULTIPLYING = new Set(['Conv', 'Gemm', 'MatMul']);
const TIMED_RUNS = 20;

/** Bytes of a number in each type that weights come in. */
const WEIGHT_BYTES: ReadonlyMap<number, number> = new Map([
  [DATA_TYPE.float32, 4],
  [DATA_TYPE.float16, 2],
]);

/**
 * Shapes come from running the graph once with every intermediate result as an output: no rule has to be guessed. Null
 * is what ONNX Runtime does not run so.
 * @param shape of the input as the registry has it, for sizes that the graph leaves free.
 */
export async function networkCost(path: string, shape: readonly (number | string)[] = []): Promise<Cost> {
  const bytes = await readFile(path);
  const model = decodeModel(bytes);
  const { graph } = model;
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const inputs = graph.input.filter(({ name }) => !weights.has(name));
  const feeds = Object.fromEntries(
    inputs.map((input) => {
      const dims = (valueShape(input) ?? []).map(
        (size, axis) => [size, shape[axis]].find((it) => typeof it === 'number') ?? 1,
      );
      const count = dims.reduce((product, dim) => product * dim, 1);
      return [input.name, new Tensor('float32', new Float32Array(count).fill(0.1), dims)];
    }),
  );
  const shapes = await measureShapes(model, feeds).catch(() => null);
  for (const tensor of graph.initializer) shapes?.set(tensor.name, tensorDims(tensor));
  const batch = Number(feeds[inputs[0]!.name]!.dims[0] ?? 1);
  const weightTensors = graph.initializer.filter(({ dataType }) => WEIGHT_BYTES.has(dataType));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    parameters: sum(weightTensors.map(countOf)),
    multiplyAdds: shapes && sum(graph.node.map((node) => nodeMultiplyAdds(node, shapes))) / batch,
    perSecond: await measureSpeed(path, feeds, batch).catch(() => null),
    weightBytes: sum(weightTensors.map((tensor) => WEIGHT_BYTES.get(tensor.dataType)! * countOf(tensor))),
  };
}

function countOf(tensor: OnnxTensor): number {
  return tensorDims(tensor).reduce((product, dim) => product * dim, 1);
}

/** Shape of every intermediate result. */
async function measureShapes(
  model: OnnxModel,
  feeds: Record<string, Tensor>,
): Promise<Map<string, readonly number[]>> {
  const declared = new Set(model.graph.output.map(({ name }) => name));
  const wanted = model.graph.node
    .filter(({ opType }) => MULTIPLYING.has(opType))
    .flatMap(({ input, output }) => [...input, ...output]);
  const produced = new Set(model.graph.node.flatMap(({ output }) => output));
  const extra = [...new Set(wanted)].filter((name) => produced.has(name) && !declared.has(name));
  const open: OnnxModel = {
    ...model,
    graph: {
      ...model.graph,
      output: [
        ...model.graph.output,
        // No type and no shape: ONNX Runtime finds them.
        ...extra.map((name) => ({ name, type: null })),
      ],
    },
  };
  const session = await InferenceSession.create(encodeModel(open), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    // Fused operators would have no intermediate results.
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  try {
    const outputs = await session.run(feeds);
    const shapes = new Map<string, readonly number[]>(
      Object.entries(outputs).map(([name, { dims }]) => [name, dims]),
    );
    for (const [name, { dims }] of Object.entries(feeds)) shapes.set(name, dims);
    return shapes;
  } finally {
    await session.release();
  }
}

/** Outputs times the length of the sums behind each. */
function nodeMultiplyAdds(node: OnnxNode, shapes: ReadonlyMap<string, readonly number[]>): number {
  if (!MULTIPLYING.has(node.opType)) return 0;
  const output = shapes.get(node.output[0]!);
  const [left, right] = [shapes.get(node.input[0]!), shapes.get(node.input[1]!)];
  if (output === undefined || left === undefined || right === undefined) return 0;
  const outputs = output.reduce((product, dim) => product * dim, 1);
  if (node.opType === 'Conv') return outputs * right.slice(1).reduce((product, dim) => product * dim, 1);
  const transposed =
    node.opType === 'Gemm' &&
    node.attribute.some(({ name, i }) => name === 'transA' && int64ToNumber(i ?? 0) === 1);
  return outputs * (transposed ? left[0]! : left[left.length - 1]!);
}

/** Items a second, one thread, batches as the graph declares them or of one. */
async function measureSpeed(path: string, feeds: Record<string, Tensor>, batch: number): Promise<number> {
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    await session.run(feeds);
    const started = performance.now();
    for (let i = 0; i < TIMED_RUNS; i++) await session.run(feeds);
    return (1000 * TIMED_RUNS * batch) / (performance.now() - started);
  } finally {
    await session.release();
  }
}

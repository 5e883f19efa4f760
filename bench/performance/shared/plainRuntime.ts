/** ONNX Runtime by itself, one thread: what the product's sessions are measured against. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  encodeModel,
  intAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from '../../../src/models/onnx.ts';
import { ratePerSecond } from './measure.ts';

export interface PlainNetwork {
  /** Runs on ready inputs; the outputs stay where they are. */
  run(feeds: Record<string, Tensor>): Promise<unknown>;
  close(): Promise<void>;
}

/** With everything that makes it faster on one thread: all optimisations, its arena and its memory patterns. */
export async function openPlain(graph: string | Uint8Array): Promise<PlainNetwork> {
  const settings: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    enableCpuMemArena: true,
    enableMemPattern: true,
    logSeverityLevel: 4,
  };
  const session =
    typeof graph === 'string'
      ? await InferenceSession.create(graph, settings)
      : await InferenceSession.create(graph, settings);
  return { run: (feeds) => session.run(feeds), close: () => session.release() };
}

/** Noise in −1…1. */
export function noiseTensor(dims: readonly number[]): Tensor {
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
  for (let i = 0; i < data.length; i++) data[i] = 2 * Math.random() - 1;
  return new Tensor('float32', data, dims);
}

/** Multiply-adds a second of one thread: large matrix products, twenty in a row. */
export async function gemmPeak(seconds: number): Promise<number> {
  const [side, rows, products] = [512, 1024, 20];
  const names = Array.from({ length: products + 1 }, (_, i) => `x${i}`);
  const weights = new Float32Array(side * side).map(() => (Math.random() - 0.5) / 16);
  const network = await openPlain(
    encodeModel(
      makeModel({
        name: 'products',
        inputs: [makeValueInfo('x0', [rows, side])],
        outputs: [makeValueInfo(`x${products}`, [rows, side])],
        nodes: names
          .slice(1)
          .map((name, i) => makeNode('Gemm', [`x${i}`, 'w'], [name], [intAttribute('transB', 0)])),
        initializers: [makeTensor('w', [side, side], weights)],
      }),
    ),
  );
  const feeds = { x0: noiseTensor([rows, side]) };
  const rate = await ratePerSecond(rows * side * side * products, seconds, () => network.run(feeds));
  await network.close();
  return rate;
}

/** Bytes a second that one thread reads and writes, over blocks that no cache holds. */
export async function memoryBandwidth(seconds: number): Promise<number> {
  const from = new Float32Array(32 * 2 ** 20).fill(1);
  const to = new Float32Array(from.length);
  return ratePerSecond(2 * from.byteLength, seconds, async () => to.set(from));
}

/** Graphs made for a test and those that are shipped, run before and after they are rewritten. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ensureModels } from '../../src/models/pull.ts';
import { seededRandom } from '../../src/shared/random.ts';

/** Numbers from −1 to 1, the same in every run of a test. */
export function openNoise(name: string): (count: number) => Float32Array {
  const random = seededRandom(3, name);
  return (count) => Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** The first output for the only input. */
export async function runGraph(
  file: Uint8Array,
  data: Float32Array,
  dims: readonly number[],
): Promise<Float32Array> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const outputs = await session.run({ [session.inputNames[0]!]: new Tensor('float32', data, dims) });
  await session.release();
  return outputs[session.outputNames[0]!]!.data as Float32Array;
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

/** The file of a model of the registry, as it lies in the cache. */
export async function fileOf(name: string): Promise<Buffer> {
  const [model] = await ensureModels([name]);
  return readFile(Object.values(model!.files)[0]!);
}

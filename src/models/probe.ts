/**
 * The equality probe: a normalised graph must compute what the original computes, one by one and in batches.
 * Runs ONNX Runtime on this thread; a pull is a command, not a worker.
 */
import '../shared/noTelemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { IntegrityError } from '../shared/errors.ts';
import { type Random, seededRandom } from '../shared/random.ts';
import type { Preprocess } from './registryEntry.ts';

/** Largest accepted difference, relative to the largest output value where that is above 1. */
export const PROBE_TOLERANCE = 1e-5;
/** The same of the graph as it is rewritten for a CPU, whose kernels add in another order. */
export const CPU_TOLERANCE = 1e-3;
/** Samples in the batch that is compared with single runs. */
const PROBE_BATCH = 4;
/** What a free dimension other than the batch is set to. */
const FREE_SIZE = 48;

export interface ProbeInput {
  readonly name: string;
  /** Without the batch dimension; a word is a free size. */
  readonly shape: readonly (number | string)[];
  /** The batch the original graph insists on; 1 when it is free. */
  readonly originalBatch: number;
  /** What makes input values of pixels. */
  readonly preprocess: Preprocess;
}

type Outputs = ReadonlyMap<string, { readonly dims: readonly number[]; readonly values: Float32Array }>;

/** Opens a graph on one CPU thread; a graph that ONNX Runtime refuses is an IntegrityError. */
export async function openProbeSession(bytes: Uint8Array, what: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // 4: fatal only. A graph that cannot run a batch is an answer here, not a fault to log.
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw new IntegrityError('model-refused', `ONNX Runtime cannot open the ${what} graph`, {}, error);
  }
}

/** Noise of the values that pixels 0–255 become: a network need not have an answer to others. */
function randomSample(
  { shape, preprocess: { mean, std, layout } }: ProbeInput,
  random: Random,
): { dims: number[]; values: Float32Array } {
  const dims = shape.map((size) => (typeof size === 'number' ? size : FREE_SIZE));
  const values = new Float32Array(dims.reduce((product, size) => product * size, 1));
  const channels = mean.length;
  const plane = values.length / channels;
  for (let i = 0; i < values.length; i++) {
    const channel = layout === 'NCHW' ? Math.floor(i / plane) : i % channels;
    values[i] = (255 * random() - (mean[channel] as number)) / (std[channel] as number);
  }
  return { dims, values };
}

/** Runs samples as one batch; a sample is repeated to fill the batch that the graph insists on. */
async function runBatch(
  session: InferenceSession,
  input: ProbeInput,
  samples: readonly Float32Array[],
  dims: readonly number[],
): Promise<Outputs> {
  const length = samples[0]?.length ?? 0;
  const data = new Float32Array(samples.length * length);
  for (const [i, sample] of samples.entries()) data.set(sample, i * length);
  const results = await session.run({
    [input.name]: new Tensor('float32', data, [samples.length, ...dims]),
  });
  const outputs = new Map<string, { dims: readonly number[]; values: Float32Array }>();
  for (const [name, tensor] of Object.entries(results)) {
    if (!(tensor.data instanceof Float32Array)) {
      throw new IntegrityError('model-refused', 'expected float32 outputs', {
        output: name,
        type: tensor.type,
      });
    }
    const notFinite = tensor.data.find((value) => !Number.isFinite(value));
    if (notFinite !== undefined) {
      throw new IntegrityError('not-finite', `expected finite outputs, found ${notFinite} in "${name}"`);
    }
    outputs.set(name, { dims: tensor.dims, values: tensor.data });
  }
  return outputs;
}

/** Largest difference over all outputs, each relative to its largest value where that is above 1. */
function difference(expected: Outputs, found: Outputs, row: number, rows: number): number {
  let worst = 0;
  for (const [name, { values }] of expected) {
    const other = found.get(name)?.values;
    if (other === undefined || other.length !== values.length * rows) return Number.POSITIVE_INFINITY;
    let largest = 1;
    let apart = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      const gap = Math.abs(value - (other[row * values.length + i] as number));
      apart = Math.max(apart, gap);
      largest = Math.max(largest, Math.abs(value));
    }
    worst = Math.max(worst, apart / largest);
  }
  return worst;
}

export interface ProbeResult {
  /** Original and normalised graph, batch 1. */
  readonly singleDifference: number;
  /**
   * Normalised graph: batch of 4 against 4 singles, Infinity when it cannot run a batch; of a fixed batch a sample at
   * every place, and among others at the first and the last, against itself at the first.
   */
  readonly batchDifference: number;
  /** Shapes that a single run gave, by output name: what the graph declares may be less. */
  readonly outputShapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Compares `normalised` with `original` on the seeded noise of pixels. With `free` false it is single runs that are
 * compared, or batches of the size that the graph insists on. Throws IntegrityError for an output that is not finite.
 */
export async function probeEquality(
  original: InferenceSession,
  normalised: InferenceSession,
  input: ProbeInput,
  free: boolean,
): Promise<ProbeResult> {
  const random = seededRandom(1, 'equality-probe');
  const drawn = Array.from({ length: free ? PROBE_BATCH : 1 }, () => randomSample(input, random));
  const dims = drawn[0]?.dims ?? [];
  const samples = drawn.map((sample) => sample.values);

  const singles: Outputs[] = [];
  let singleDifference = 0;
  for (const sample of samples) {
    const filled = Array.from({ length: input.originalBatch }, () => sample);
    const expected = await runBatch(original, input, filled, dims);
    const found = await runBatch(normalised, input, free ? [sample] : filled, dims);
    singles.push(found);
    singleDifference = Math.max(
      singleDifference,
      free && input.originalBatch > 1
        ? difference(found, expected, 0, input.originalBatch)
        : difference(expected, found, 0, 1),
    );
  }
  const outputShapes = new Map([...(singles[0] ?? [])].map(([name, { dims }]) => [name, dims]));
  if (!free) {
    const others = Array.from({ length: 2 * (input.originalBatch - 1) }, () => randomSample(input, random));
    const batchDifference = await placeDifference(
      normalised,
      input,
      samples[0] as Float32Array,
      others.map((other) => other.values),
      dims,
    );
    return { singleDifference, batchDifference, outputShapes };
  }

  const together = await runBatch(normalised, input, samples, dims);
  let batchDifference = 0;
  for (const [row, single] of singles.entries()) {
    batchDifference = Math.max(batchDifference, difference(single, together, row, samples.length));
    for (const [name, { dims: shape }] of together) {
      // Flat outputs have the right number of values and the wrong shape: [1,512] for a batch of 4 × 128.
      if (shape[0] !== samples.length || shape.length !== (single.get(name)?.dims.length ?? -1)) {
        batchDifference = Number.POSITIVE_INFINITY;
      }
    }
  }
  return { singleDifference, batchDifference, outputShapes };
}

/** What the others of a fixed batch, and the place in it, make of a sample's outputs. */
async function placeDifference(
  session: InferenceSession,
  input: ProbeInput,
  sample: Float32Array,
  others: readonly Float32Array[],
  dims: readonly number[],
): Promise<number> {
  const size = input.originalBatch;
  if (size === 1) return 0;
  const run = (samples: readonly Float32Array[]) => runBatch(session, input, samples, dims);
  const alike = await run(Array.from({ length: size }, () => sample));
  const first = await run([sample, ...others.slice(size - 1)]);
  const last = await run([...others.slice(0, size - 1), sample]);
  const expected = firstRow(alike, size);
  const places = Array.from({ length: size }, (_, row) => difference(expected, alike, row, size));
  return Math.max(
    ...places,
    difference(expected, first, 0, size),
    difference(expected, last, size - 1, size),
  );
}

function firstRow(outputs: Outputs, rows: number): Outputs {
  return new Map(
    [...outputs].map(([name, { dims, values }]) => [
      name,
      { dims, values: values.subarray(0, Math.floor(values.length / rows)) },
    ]),
  );
}

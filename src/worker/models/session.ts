/**
 * One ONNX network, opened for one thread: a batch of float32 in, a batch of float32 out. `run` blocks the calling
 * thread (ONNX Runtime computes on it), so sessions live in worker threads and never on the one that holds a lock.
 */
import '../../shared/noTelemetry.ts';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { withoutPRelu } from '../../models/preluConvs.ts';
import { IntegrityError, toError } from '../../shared/errors.ts';

/** Devices a session can be asked for. Which of them exist depends on the build of ONNX Runtime. */
export const DEVICES = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

export interface SessionOptions {
  readonly device: Device;
  /** Threads inside one operator. 1 for one session per core: more collapses under load. */
  readonly intraOpThreads: number;
}

/** An input or output: values of the whole batch and the shape, batch first. */
export interface NetworkTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Items of a run on a GPU at most; the networks here are no faster with more. */
const GPU_BATCH = 64;

export class NetworkSession {
  readonly path: string;
  readonly device: Device;
  readonly #session: InferenceSession;
  /** Batch that the graph insists on; undefined where dimension 0 is free. */
  readonly #fixedBatch: number | undefined;
  #input = new Float32Array(0);
  #inputIsLent = false;

  constructor(path: string, session: InferenceSession, device: Device) {
    this.path = path;
    this.device = device;
    this.#session = session;
    const metadata = session.inputMetadata[0];
    const batch = metadata?.isTensor === true ? metadata.shape[0] : undefined;
    this.#fixedBatch = typeof batch === 'number' && batch > 0 ? batch : undefined;
  }

  /** The only input's name. */
  get inputName(): string {
    return this.#onlyInput();
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  /**
   * Room for an input of shape `dims`, batch first, whatever is in it, to be handed to `run`: the same memory every time, so
   * that a new one of some megabytes is not asked for, filled with zeros and collected for every run. Where a run is under
   * way with it, another one.
   */
  inputOf(dims: readonly number[]): Float32Array {
    const [count = 0, ...itemDims] = dims;
    const size = product(dims);
    // What lies behind the last item fills the last run up.
    const room = Math.ceil(count / this.#runSize(count)) * this.#runSize(count) * product(itemDims);
    if (this.#inputIsLent) return new Float32Array(room).subarray(0, size);
    if (this.#input.length < room) this.#input = new Float32Array(room);
    this.#inputIsLent = true;
    return this.#input.subarray(0, size);
  }

  /**
   * Runs `input`, shape `dims` with the batch first, and answers every output with the same batch first. A graph with a
   * fixed batch is run as often as needed, and a GPU at the batches of `gpuBatch`; the last run is filled up with items of
   * any content, whose answers are cut off again.
   */
  async run(input: Float32Array, dims: readonly number[]): Promise<Record<string, NetworkTensor>> {
    try {
      return await this.#runParts(input, dims);
    } finally {
      if (input.buffer === this.#input.buffer) this.#inputIsLent = false;
    }
  }

  async #runParts(input: Float32Array, dims: readonly number[]): Promise<Record<string, NetworkTensor>> {
    const [count = 0, ...itemDims] = dims;
    const size = this.#runSize(count);
    const name = this.#onlyInput();
    if (size === count) return this.runNamed({ [name]: { data: input, dims } });
    const itemSize = product(itemDims);
    const parts: Record<string, NetworkTensor>[] = [];
    for (let start = 0; start < count; start += size) {
      const data = valuesFrom(input, start * itemSize, size * itemSize);
      parts.push(await this.runNamed({ [name]: { data, dims: [size, ...itemDims] } }));
    }
    return joinParts(this.outputNames, parts, count, size);
  }

  /** Items of each run when there are `count`. */
  #runSize(count: number): number {
    return this.#fixedBatch ?? (this.device === 'cpu' ? count : gpuBatch(count));
  }

  /** Runs a network of several inputs, all with the same batch first; the graph's batch must be free. */
  async runNamed(inputs: Record<string, NetworkTensor>): Promise<Record<string, NetworkTensor>> {
    const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [
      name,
      new Tensor('float32', data, dims),
    ]);
    const values = await this.#session.run(Object.fromEntries(feeds));
    const outputs: Record<string, NetworkTensor> = {};
    for (const name of this.outputNames) {
      const tensor = values[name];
      if (!(tensor?.data instanceof Float32Array)) {
        throw new IntegrityError('model-signature', 'network output must be float32', {
          path: this.path,
          output: name,
          type: tensor?.type,
        });
      }
      outputs[name] = { data: tensor.data, dims: tensor.dims };
    }
    return outputs;
  }

  #onlyInput(): string {
    const [name, ...others] = this.#session.inputNames;
    if (name !== undefined && others.length === 0) return name;
    throw new IntegrityError('model-signature', 'network must have exactly one input', {
      path: this.path,
      inputs: this.#session.inputNames.join(' '),
    });
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Items of a run on a GPU that is shown `count`: it chooses its kernels for every batch anew, which takes a second (docs/gpu.md),
 * so it meets powers of two only, and none that is larger than its fastest.
 */
export function gpuBatch(count: number): number {
  return Math.min(GPU_BATCH, 2 ** Math.ceil(Math.log2(Math.max(1, count))));
}

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

/** `length` values from `start` on: where the input ends before, what lies behind it, or a copy with zeros. */
function valuesFrom(input: Float32Array, start: number, length: number): Float32Array {
  const offset = input.byteOffset + start * Float32Array.BYTES_PER_ELEMENT;
  if (offset + length * Float32Array.BYTES_PER_ELEMENT <= input.buffer.byteLength) {
    return new Float32Array(input.buffer, offset, length);
  }
  const copy = new Float32Array(length);
  copy.set(input.subarray(start));
  return copy;
}

function joinParts(
  names: readonly string[],
  parts: readonly Record<string, NetworkTensor>[],
  count: number,
  size: number,
): Record<string, NetworkTensor> {
  const joined: Record<string, NetworkTensor> = {};
  for (const name of names) {
    const first = parts[0]?.[name];
    if (first === undefined) continue;
    // A graph may fold its batch into another dimension: values an item are counted, not read from the shape.
    const itemSize = first.data.length / size;
    const data = new Float32Array(parts.length * size * itemSize);
    parts.forEach((part, i) => {
      data.set(part[name]?.data ?? [], i * size * itemSize);
    });
    const itemDims = first.dims[0] === size ? first.dims.slice(1) : [itemSize];
    joined[name] = { data: data.subarray(0, count * itemSize), dims: [count, ...itemDims] };
  }
  return joined;
}

/**
 * Opens a network; `rewrite` may make another one of its file.
 *
 * ONNX Runtime never falls back to another device here: one that is not there is an error. `requireDevice` says so
 * before anything else is opened.
 *
 * @throws IntegrityError when the file is not a network.
 */
export async function openSession(
  path: string,
  options: SessionOptions,
  rewrite?: (file: Uint8Array) => Uint8Array,
): Promise<NetworkSession> {
  let session: InferenceSession;
  try {
    const onCpu = options.device === 'cpu';
    const settings: InferenceSession.SessionOptions = {
      executionProviders: [options.device],
      intraOpNumThreads: options.intraOpThreads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Without its arena every run asks the system for its memory anew and touches it for the first time: 6 % of a whole
      // run's time (docs/performance.md). Price: the largest batch's memory of every network is kept.
      enableCpuMemArena: true,
      // A plan of the memory for every batch size that came by takes 10 % of a process's memory and hardly saves time.
      enableMemPattern: !onCpu,
      // 4 = fatal only: an error is thrown as well, and third-party graphs warn about unused initialisers on every opening.
      logSeverityLevel: 4,
    };
    if (rewrite === undefined && !onCpu) session = await InferenceSession.create(path, settings);
    else {
      const file = await readFile(path);
      const wanted = rewrite?.(file) ?? file;
      session = await InferenceSession.create(onCpu ? withoutPRelu(wanted) : wanted, settings);
    }
  } catch (thrown) {
    if (thrown instanceof IntegrityError) throw thrown;
    throw new IntegrityError('model-unreadable', 'cannot open network', { path }, toError(thrown));
  }
  return new NetworkSession(path, session, options.device);
}

/** Pictures a run: on a CPU as many as its caches like, on a GPU as many as its cores do. */
export function batchOn({ device }: NetworkSession, onCpu: number): number {
  return device === 'cpu' ? onCpu : GPU_BATCH;
}

/** The output `name` of a run, held to the shape `[count, …itemDims]`. */
export function outputOf(
  session: NetworkSession,
  outputs: Record<string, NetworkTensor>,
  name: string,
  itemDims: readonly number[],
): Float32Array {
  const output = outputs[name];
  const found = output?.dims.slice(1);
  if (output === undefined || found?.join() !== itemDims.join()) {
    throw new IntegrityError('model-signature', 'network output is missing or of another shape', {
      path: session.path,
      output: name,
      expected: `N×${itemDims.join('×')}`,
      found: output === undefined ? session.outputNames.join(' ') : output.dims.join('×'),
    });
  }
  return output.data;
}

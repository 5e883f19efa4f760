/**
 * One ONNX network, opened for one thread: a batch of float32 in, a batch of float32 out. On the CPU `run` blocks the
 * calling thread (ONNX Runtime computes on it), so sessions live in worker threads and never on the one that holds a
 * lock.
 */
import { readFile } from 'node:fs/promises';
import { IntegrityError, toError } from '../../shared/errors.ts';
import type { DeviceClient } from '../device/deviceClient.ts';
import type { Device } from './device.ts';
import { openOnnxRuntime } from './onnxRuntime.ts';
import type { NetworkRuntime, NetworkTensor, NetworkTensors } from './runtime.ts';

export interface SessionOptions {
  readonly device: Device;
  /** Threads inside one operator. 1 for one session per core: more collapses under load. */
  readonly intraOpThreads: number;
  /** Runs networks in the device's threads; absent: they run in the calling one. */
  readonly deviceClient?: DeviceClient | undefined;
  /** Items of a run on a GPU at most, default 32. */
  readonly gpuBatch?: number;
}

/** The networks here are hardly faster with more on an H200 (docs/gpu.md). */
const GPU_BATCH = 32;

export class NetworkSession {
  readonly path: string;
  readonly device: Device;
  readonly #runtime: NetworkRuntime;
  /** Inputs are read by another thread: they lie in memory that both have. */
  readonly #isShared: boolean;
  #input = new Float32Array(0);
  #inputIsLent = false;

  constructor(path: string, runtime: NetworkRuntime, options: SessionOptions) {
    this.path = path;
    this.device = options.device;
    this.#runtime = runtime;
    this.#isShared = options.deviceClient !== undefined;
  }

  /** The only input's name. */
  get inputName(): string {
    return this.#onlyInput();
  }

  get outputNames(): readonly string[] {
    return this.#runtime.outputNames;
  }

  /** See `NetworkRuntime`. */
  get fixedBatch(): number | undefined {
    return this.#runtime.fixedBatch;
  }

  /**
   * Room for an input of `size` values, whatever is in it, to be handed to `run`: the same memory every time, so that a
   * new one of some megabytes is not asked for, filled with zeros and collected for every run. Where a run is under way
   * with it, another one.
   */
  inputOf(size: number): Float32Array {
    if (this.#inputIsLent) return this.#newInput(size);
    if (this.#input.length < size) this.#input = this.#newInput(size);
    this.#inputIsLent = true;
    return this.#input.subarray(0, size);
  }

  #newInput(size: number): Float32Array<ArrayBuffer> {
    if (!this.#isShared) return new Float32Array(size);
    const shared = new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT);
    // The types of what fills an input know nothing of shared memory, and need not.
    return new Float32Array(shared) as Float32Array as Float32Array<ArrayBuffer>;
  }

  /** Runs `input`, shape `dims` with the batch first, and answers every output with the same batch first. */
  async run(input: Float32Array, dims: readonly number[]): Promise<NetworkTensors> {
    try {
      return await this.runNamed({ [this.#onlyInput()]: { data: input, dims } });
    } finally {
      if (input.buffer === this.#input.buffer) this.#inputIsLent = false;
    }
  }

  /** Runs a network of several inputs, all with the same batch first. */
  runNamed(inputs: NetworkTensors): Promise<NetworkTensors> {
    return this.#runtime.run(inputs);
  }

  #onlyInput(): string {
    const [name, ...others] = this.#runtime.inputNames;
    if (name !== undefined && others.length === 0) return name;
    throw new IntegrityError('model-signature', 'network must have exactly one input', {
      path: this.path,
      inputs: this.#runtime.inputNames.join(' '),
    });
  }

  async close(): Promise<void> {
    await this.#runtime.close();
  }
}

/**
 * Opens a network; `rewrite` may make another one of its file. `requireDevice` says whether a device is there before
 * anything else is opened.
 *
 * @throws IntegrityError when the file is not a network.
 */
export async function openSession(
  path: string,
  options: SessionOptions,
  rewrite?: (file: Uint8Array) => Uint8Array,
): Promise<NetworkSession> {
  const { device, intraOpThreads, deviceClient, gpuBatch = GPU_BATCH } = options;
  try {
    const file = await readFile(path);
    const wanted = rewrite?.(file) ?? file;
    const batch = device === 'cpu' ? undefined : gpuBatch;
    const runtime =
      deviceClient === undefined
        ? await openOnnxRuntime(wanted, { device, intraOpThreads, batch })
        : await deviceClient.open(wanted, gpuBatch);
    return new NetworkSession(path, runtime, options);
  } catch (thrown) {
    if (thrown instanceof IntegrityError) throw thrown;
    throw new IntegrityError('model-unreadable', 'cannot open network', { path }, toError(thrown));
  }
}

/**
 * Several runs one after the other, of as many items as the caches of a CPU like (`onCpu`), or as fill a GPU, or the
 * next larger number that a fixed batch divides. Answers in order.
 */
export async function inRuns<Item, Result>(
  { device, fixedBatch = 1 }: NetworkSession,
  onCpu: number,
  items: readonly Item[],
  run: (items: readonly Item[]) => Promise<Result[]>,
): Promise<Result[]> {
  const size = Math.ceil((device === 'cpu' ? onCpu : GPU_BATCH) / fixedBatch) * fixedBatch;
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += size) {
    results.push(...(await run(items.slice(start, start + size))));
  }
  return results;
}

/** The output `name` of a run, held to the shape `[count, …itemDims]`. */
export function outputOf(
  session: NetworkSession,
  outputs: NetworkTensors,
  name: string,
  itemDims: readonly number[],
): Float32Array {
  const output: NetworkTensor | undefined = outputs[name];
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

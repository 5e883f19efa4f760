/** A network in ONNX Runtime, in the calling thread: a run blocks it. */
import '../../shared/noTelemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { forCpu } from '../../models/cpuGraph.ts';
import { IntegrityError } from '../../shared/errors.ts';
import type { Device } from './device.ts';
import { type Batches, inBatches } from './inBatches.ts';
import type { NetworkRuntime, NetworkTensor } from './runtime.ts';

export interface OnnxOptions {
  readonly device: Device;
  /** Threads inside one operator. */
  readonly intraOpThreads: number;
  /** Items of a run, of whatever requests they are; absent: each request is a run. */
  readonly batch?: number | undefined;
}

/**
 * ONNX Runtime never falls back to another device here: one that is not there is an error. CUDA has chosen its kernels
 * when this returns.
 */
export async function openOnnxRuntime(file: Uint8Array, options: OnnxOptions): Promise<NetworkRuntime> {
  const onCpu = options.device === 'cpu';
  const session = await InferenceSession.create(onCpu ? forCpu(file) : file, {
    executionProviders: [options.device],
    intraOpNumThreads: options.intraOpThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Without its arena every run asks the system for its memory anew and touches it for the first time: 6 % of a whole
    // run's time (docs/accuracy.md, Memory). Price: the largest batch's memory of every network is kept.
    enableCpuMemArena: true,
    // A plan of the memory for every batch size that came by takes 10 % of a process's memory and hardly saves time.
    enableMemPattern: !onCpu,
    // 4 = fatal only: an error is thrown as well, and third-party graphs warn about unused initialisers on every
    // opening.
    logSeverityLevel: 4,
  });
  const runtime = runtimeOf(session);
  const batches = batchesOf(session, options);
  if (choosesSlowly(options.device)) await chooseKernels(runtime, session, batches?.size ?? 1);
  return batches === undefined ? runtime : inBatches(batches, runtime);
}

/** Undefined: as they come. */
function batchesOf(session: InferenceSession, { device, batch }: OnnxOptions): Batches | undefined {
  const fixedBatch = inputShapes(session)[0]?.[0];
  if (isSize(fixedBatch)) return { size: fixedBatch, filled: true };
  if (batch === undefined) return undefined;
  return { size: batch, filled: choosesSlowly(device) };
}

/** Whether a network's first run of a batch size takes seconds (docs/gpu.md). */
function choosesSlowly(device: Device): boolean {
  return device === 'cuda' || device === 'tensorrt';
}

function runtimeOf(session: InferenceSession): NetworkRuntime {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { data, dims }] of Object.entries(inputs)) {
        feeds[name] = new Tensor('float32', data, dims);
      }
      const values = await session.run(feeds);
      const outputs: Record<string, NetworkTensor> = {};
      for (const name of session.outputNames) {
        const tensor = values[name];
        if (!(tensor?.data instanceof Float32Array)) {
          throw new IntegrityError('model-signature', 'network output must be float32', {
            output: name,
            type: tensor?.type,
          });
        }
        outputs[name] = { data: tensor.data, dims: tensor.dims };
      }
      return outputs;
    },
    close: () => session.release(),
  };
}

/** One run with zeros, where the graph says how large an item is. */
async function chooseKernels(
  runtime: NetworkRuntime,
  session: InferenceSession,
  batch: number,
): Promise<void> {
  const shapes = inputShapes(session).map(([, ...itemDims]) => [batch, ...itemDims]);
  const inputs: Record<string, NetworkTensor> = {};
  for (const [i, dims] of shapes.entries()) {
    if (!dims.every(isSize)) return;
    const size = dims.reduce((product, dim) => product * dim, 1);
    inputs[session.inputNames[i]!] = { data: new Float32Array(size), dims };
  }
  await runtime.run(inputs);
}

/** Dimensions that the graph leaves open are names. */
function inputShapes(session: InferenceSession): readonly (readonly (number | string)[])[] {
  return session.inputMetadata.map((input) => (input.isTensor ? input.shape : []));
}

const isSize = (dim: number | string | undefined): dim is number => typeof dim === 'number' && dim > 0;

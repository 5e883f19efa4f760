/**
 * Where TensorFlow.js computes. The only file that knows the backends; the rest of fra is written on tfjs-core.
 *
 * - `cpu`: the native TensorFlow library when a tfjs-node package with its addon is installed, else WebAssembly.
 * - `cuda`: the native library with a GPU really in its device list; anything else is an error, never the CPU.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, describeError } from '../shared/errors.ts';

export const TRAINING_DEVICES = ['cpu', 'cuda'] as const;
export type TrainingDevice = (typeof TRAINING_DEVICES)[number];

export interface TensorBackend {
  readonly device: TrainingDevice;
  /** For people and for the model card: library, version, processor. */
  readonly description: string;
}

/** Packages that carry the native addon, in order of preference. Neither needs to be installed. */
const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
}

/**
 * Makes a backend the current one of tfjs-core. Once per process: the native library reads its settings when it is
 * loaded. `threads` bounds the CPU threads of one operation.
 */
export async function openBackend(device: TrainingDevice, threads: number): Promise<TensorBackend> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_NUM_INTEROP_THREADS = '1';
  // A CPU run that quietly used a GPU would be as wrong as the reverse.
  if (device === 'cpu') process.env.CUDA_VISIBLE_DEVICES = '-1';
  const native = loadNative();
  const usesGpu = native.status === 'loaded' && (tf.backend() as unknown as NativeBackend).isUsingGpuDevice;
  if (device === 'cuda') {
    if (native.status !== 'loaded') {
      throw new ConfigError('no-native-tensorflow', `cuda: TensorFlow needs ${NATIVE_PACKAGES[0]}`, {
        reason: native.reason,
      });
    }
    if (!usesGpu) {
      throw new ConfigError('no-gpu', 'TensorFlow lists no GPU: expected CUDA 11.2 and cuDNN 8.1', {
        package: native.name,
      });
    }
    return { device, description: `TensorFlow (${native.name}) on a CUDA GPU` };
  }
  if (native.status === 'loaded') {
    const description = `TensorFlow native library (${native.name} ${tf.version_core}) on the CPU`;
    return { device, description };
  }
  await openWasm(threads);
  const description = `TensorFlow.js WebAssembly ${tf.version_core} on the CPU (native library: ${native.reason})`;
  return { device, description };
}

type NativeOutcome =
  | { readonly status: 'loaded'; readonly name: string }
  | { readonly status: 'absent'; readonly reason: string };

function loadNative(): NativeOutcome {
  const require = createRequire(import.meta.url);
  let reason = 'not installed';
  for (const name of NATIVE_PACKAGES) {
    try {
      require.resolve(name);
    } catch {
      continue;
    }
    try {
      require(name);
      return { status: 'loaded', name };
    } catch (error) {
      reason = `${name} cannot be loaded: ${describeError(error)}`;
    }
  }
  return { status: 'absent', reason };
}

/** Loads and selects tfjs-wasm. */
async function openWasm(threads: number): Promise<void> {
  const require = createRequire(import.meta.url);
  // tfjs-core's build for Node registers no gradients; the umbrella package does, for the same core.
  require('@tensorflow/tfjs');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  wasm.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new ConfigError('no-backend', 'tfjs-wasm could not be started');
}

/** The networks of a FRA model that a worker runs, on the engine that was asked for. */
import { type Combiner, openCombiner } from './combiner.ts';
import { openPostureEncoder } from './openModels.ts';
import type { PostureEncoder } from './postureEncoder.ts';
import type { SessionOptions } from './session.ts';

/**
 * - onnx: ONNX Runtime, on the device of the other networks.
 * - tfjs: TensorFlow.js on the CPU, the native library where it is installed, else WebAssembly.
 * - tfjs-cuda: TensorFlow on a CUDA 11 GPU; an error where it lists none.
 */
export const FRA_ENGINES = ['onnx', 'tfjs', 'tfjs-cuda'] as const;
export type FraEngine = (typeof FRA_ENGINES)[number];

export interface FraNetworksOptions {
  /** Folder of the FRA model. */
  readonly folder: string;
  /** Absent: nobody asks for posture codes of photographs. */
  readonly encoderPath?: string;
  readonly combinerPath: string;
  readonly engine: FraEngine;
}

export interface FraNetworks {
  /** Absent where no `encoderPath` was given. */
  readonly encoder?: PostureEncoder;
  readonly combiner: Combiner;
  close(): Promise<void>;
}

/** @throws ConfigError when the engine is not there; no other is taken instead. */
export async function openFraNetworks(
  { folder, encoderPath, combinerPath, engine }: FraNetworksOptions,
  session: SessionOptions,
): Promise<FraNetworks> {
  if (engine !== 'onnx') {
    // Loaded only where it is asked for: TensorFlow.js takes a second to load.
    const { openTfjsFra } = await import('./tfjsFra.ts');
    const { encoder, ...networks } = await openTfjsFra(folder, engine === 'tfjs' ? 'cpu' : 'cuda');
    return encoderPath === undefined ? networks : { encoder, ...networks };
  }
  const encoder = encoderPath === undefined ? undefined : await openPostureEncoder(encoderPath, session);
  const combiner = await openCombiner(combinerPath, session);
  return {
    ...(encoder && { encoder }),
    combiner,
    async close() {
      await encoder?.close();
      await combiner.close();
    },
  };
}

/** The networks of a FRA model that a worker runs, on the engine that was asked for. */
import { type BankCombiner, combinerOfPairs, openBankCombiner } from './bankCombiner.ts';
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
  /** Of the posture bank, n × 512. */
  readonly postureCodes: Float32Array;
  readonly engine: FraEngine;
}

export interface FraNetworks {
  /** Absent where no `encoderPath` was given. */
  readonly encoder?: PostureEncoder;
  readonly combiner: BankCombiner;
  close(): Promise<void>;
}

/** @throws ConfigError when the engine is not there; no other is taken instead. */
export async function openFraNetworks(
  { folder, encoderPath, combinerPath, postureCodes, engine }: FraNetworksOptions,
  session: SessionOptions,
): Promise<FraNetworks> {
  if (engine !== 'onnx') {
    // Loaded only where it is asked for: TensorFlow.js takes a second to load.
    const { openTfjsFra } = await import('./tfjsFra.ts');
    const tfjs = await openTfjsFra(folder, engine === 'tfjs' ? 'cpu' : 'cuda');
    const combiner = combinerOfPairs(tfjs.combiner, postureCodes);
    return { ...(encoderPath !== undefined && { encoder: tfjs.encoder }), combiner, close: tfjs.close };
  }
  const encoder = encoderPath === undefined ? undefined : await openPostureEncoder(encoderPath, session);
  const combiner = await openBankCombiner(combinerPath, postureCodes, session);
  return {
    ...(encoder && { encoder }),
    combiner,
    async close() {
      await encoder?.close();
      await combiner.close();
    },
  };
}

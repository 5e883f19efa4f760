/** What a training is asked to do, what it works on, and what it says meanwhile. */
import type { TensorBackend } from '../fra/backend.ts';
import type { CombinerLoss, CombinerTermWeights } from '../fra/training/combinerTask.ts';
import type { LogEntry, LoopConfig } from '../fra/training/loop.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { PipelineModels } from '../worker/models/pipelineModels.ts';

export interface TrainConfig {
  readonly name: string;
  readonly seed: number;
  /** Share of the people that validate. */
  readonly validationShare: number;
  /** People to invent from training people (inventPerson.ts). */
  readonly inventedPeople: number;
  readonly autoencoder: Omit<LoopConfig, 'seed'> & { readonly batchSize: number };
  readonly combiner: Omit<LoopConfig, 'seed'> & {
    readonly batchSize: number;
    readonly loss: CombinerLoss;
    readonly scale: number;
    readonly margin: number;
    readonly inventedShare: number;
    readonly weights: CombinerTermWeights;
    readonly identityResidual: boolean;
    readonly normalizeOutput: boolean;
  };
}

export interface TrainInputs {
  readonly out: string;
  readonly imageRoot: string;
  readonly faces: readonly FaceRecord[];
  readonly models: PipelineModels;
  readonly backend: TensorBackend;
  /** What the card says about the data. */
  readonly data: { readonly data: string; readonly licence: string; readonly credit: string };
  /** Known limits, besides those that the numbers say. */
  readonly limits: readonly string[];
  /** The exact command line. */
  readonly command: string;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** What a training says while it works. */
export interface TrainHooks {
  readonly stage: (name: string) => void;
  readonly progress: (done: number, total: number, note: string) => void;
  readonly log: (stage: string, entry: LogEntry) => void;
  readonly signal: AbortSignal;
}

/** What a training is asked to do, what it works on, and what it says meanwhile. */
import type { TensorBackend } from '../fra/backend.ts';
import type { GeneratorKind } from '../fra/generators/generatorConfig.ts';
import type { CombinerLoss, CombinerTerm, CombinerTermWeights } from '../fra/lossTerms.ts';
import type { PostureForm } from '../fra/postureForm.ts';
import type { LogEntry, LoopConfig } from '../fra/training/loop.ts';
import type { Photographs } from '../shared/corpus/photographs.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { PipelineModels } from '../worker/models/pipelineModels.ts';

export interface TrainConfig {
  readonly name: string;
  readonly seed: number;
  /** Share of the people that validate. */
  readonly validationShare: number;
  /** Whether near-frontal photographs are rendered at other poses (syntheticPoses.ts). */
  readonly renders: boolean;
  /** People to invent from training people (inventPerson.ts); 0 without renders, which is all there is of them. */
  readonly inventedPeople: number;
  /** Train on this many of the training people, a seeded choice; null: on all. */
  readonly peopleLimit: number | null;
  readonly autoencoder: Omit<LoopConfig, 'seed'> & {
    readonly batchSize: number;
    /** Absolute FRA model folder, or OUT of a training, whose autoencoder is taken; null: train one. */
    readonly from: string | null;
  };
  readonly generator: GeneratorRequest;
  /** For generators that are learnt by descent. */
  readonly combiner: Omit<LoopConfig, 'seed'> & {
    readonly batchSize: number;
    readonly loss: CombinerLoss;
    readonly scale: number;
    readonly margin: number;
    readonly inventedShare: number;
    readonly weights: CombinerTermWeights;
    /** Terms whose weight was set to 0 on purpose; for the card. */
    readonly without: readonly CombinerTerm[];
  };
}

export interface GeneratorRequest {
  readonly kind: GeneratorKind;
  /** What the generator is told about a posture. */
  readonly posture: PostureForm;
  /** Degrees of yaw at which closed forms are fitted, ascending. */
  readonly knots: readonly number[];
  /** Of a residual MLP: what its hidden layer sees of the posture. */
  readonly condition: 'readout' | 'code';
  /** For Vision Transformers; undefined: as the kind has it. */
  readonly identityResidual?: boolean;
  readonly normalizeOutput?: boolean;
  /** Of a mixture: absolute folders of the models that are mixed. */
  readonly parts: readonly string[];
}

export interface TrainInputs {
  readonly out: string;
  readonly faces: readonly FaceRecord[];
  readonly photographs: Photographs;
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
  /** A line for a person: what was chosen, and from what. */
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What an evaluation is asked to do. Complete: defaults live in the command line. */
import type { Task } from './metrics.ts';
import type { Protocol } from './result.ts';

export interface EvaluationSettings {
  readonly folds: number;
  readonly seeds: number;
  readonly seed: number;
  /** Enrolment photographs a class. */
  readonly enrol: number;
  /** Variants a class. */
  readonly variants: number;
  readonly probes: Protocol['probes'];
  readonly tasks: readonly Task[];
  readonly shuffleLabels: boolean;
  readonly allowLeakage: boolean;
  readonly subjectPrefix: string;
  readonly detector: string;
}

/** What an evaluation says while it works. */
export interface EvaluationHooks {
  readonly stage: (name: string) => void;
  /** `total` is undefined where nobody knows it beforehand. */
  readonly progress: (done: number, total: number | undefined, note: string) => void;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Draws of the bootstrap. */
export const RESAMPLES = 1000;

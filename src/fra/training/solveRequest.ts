/** What a closed-form generator is fitted to, and what comes of it. */
import type { LinearMapConfig } from '../generators/generatorConfig.ts';
import type { NamedWeights } from '../networks/weights.ts';
import type { PairSample } from './pairs.ts';

/** Lower is better; on validation people. */
export type Judge = (config: LinearMapConfig, weights: NamedWeights) => number;

export interface SolveRequest {
  readonly kind: LinearMapConfig['kind'];
  readonly identityDim: number;
  /** Degrees; knots that too few training faces are near to are left out. */
  readonly knots: readonly number[];
  readonly pitch: boolean;
  readonly training: readonly PairSample[];
  readonly validation: readonly PairSample[];
  readonly judge: Judge;
  /** Told what was chosen, and from what. */
  readonly note: (line: string) => void;
}

export interface Solution {
  readonly config: LinearMapConfig;
  readonly weights: NamedWeights;
}

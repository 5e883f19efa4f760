/** Trials: a division of the evaluated people into those whose pairs may be learned from and those who are tested. */
import { ConfigError } from '../shared/errors.ts';
import { seededRandom, shuffle } from '../shared/random.ts';
import { quantile } from './bootstrap.ts';
import type { FaceClass } from './people.ts';

export interface TargetPose {
  /** Degrees. */
  readonly yaw: number;
}

/** One fold of one seed. Test and training people never overlap. */
export interface Trial {
  readonly seed: number;
  readonly fold: number;
  readonly test: readonly FaceClass[];
  readonly training: readonly FaceClass[];
  /** Everybody, distractors included: the classes of identification. */
  readonly classes: readonly FaceClass[];
}

/**
 * Every evaluated person is tested once a seed; each seed divides anew.
 * `folds`: 2 or more, one of which is tested with what is learned from the others.
 * @throws ConfigError for fewer people than folds, or than leave two to learn from.
 */
export function planTrials(
  classes: readonly FaceClass[],
  { folds, seeds, seed }: { readonly folds: number; readonly seeds: number; readonly seed: number },
): Trial[] {
  const evaluated = classes.filter(({ role }) => role === 'evaluated');
  // Two people to learn from: of two folds each needs as many.
  const least = folds === 2 ? 4 : folds;
  if (evaluated.length < least) {
    throw new ConfigError(
      'too-few-people',
      `evaluation: ${folds} folds need at least ${least} people with enough usable photographs`,
      { found: evaluated.length, folds },
    );
  }
  return Array.from({ length: seeds }, (_, s) => {
    const order = shuffle(seededRandom(seed, 'folds', s), [...evaluated]);
    return Array.from({ length: folds }, (_, fold): Trial => {
      const test = order.filter((_, i) => i % folds === fold);
      return { seed: s, fold, test, training: order.filter((_, i) => i % folds !== fold), classes };
    });
  }).flat();
}

/**
 * Yaws of `count` variants: evenly spaced quantiles of the training people's probe yaws. The side that faces turn to is
 * what other people show; the test people's own probes decide nothing.
 */
export function targetPoses({ training }: Pick<Trial, 'training'>, count: number): TargetPose[] {
  const yaws = training.flatMap(({ probes }) => probes.map(({ yaw }) => yaw)).sort((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => ({ yaw: quantile(yaws, (i + 0.5) / count) }));
}

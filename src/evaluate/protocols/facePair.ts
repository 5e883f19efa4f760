/** What every pair list comes down to. */
import { ConfigError } from '../../shared/errors.ts';

/** Two photographs and whether they show one person. */
export interface FacePair {
  /** From 0. Folds share no people, if the list keeps its promise. */
  readonly fold: number;
  readonly same: boolean;
  /** Paths relative to the corpus, '/'-separated. The first one is enrolled, the second one asked about. */
  readonly first: string;
  readonly second: string;
}

export interface PairList {
  readonly pairs: readonly FacePair[];
  readonly folds: number;
}

/** Number of folds in lists that do not name them. */
export const FOLDS = 10;

/**
 * Folds for a list without any: the k-th tenth of the same pairs and the k-th tenth of the different pairs are fold
 * k, in the order of the list.
 *
 * @throws ConfigError when there are fewer than two pairs of a kind.
 */
export function inTenths(pairs: readonly Omit<FacePair, 'fold'>[], file: string): PairList {
  const total = [0, 0];
  for (const { same } of pairs) total[Number(same)]!++;
  const [different, same] = total as [number, number];
  if (same < 2 || different < 2) {
    throw new ConfigError('bad-pair-list', 'list: expected at least two same and two different pairs', {
      file,
      same,
      different,
    });
  }
  const folds = Math.min(FOLDS, same, different);
  const met = [0, 0];
  return {
    folds,
    pairs: pairs.map((pair) => {
      const kind = Number(pair.same);
      return { ...pair, fold: Math.floor((met[kind]!++ * folds) / total[kind]!) };
    }),
  };
}

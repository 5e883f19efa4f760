/** Choice of a setting on training people alone: they are divided once more, and the held-out ones judge. */
import { dot, normalizeInPlace } from '../../shared/l2.ts';
import { seededRandom, shuffle } from '../../shared/random.ts';
import type { PosePair } from './posePairs.ts';

/** Predicts the targets of pairs from their sources, or compares both in another space; unit length not needed. */
export interface PairModel {
  predict(pairs: readonly PosePair[]): readonly Float32Array[];
  readonly transform?: (embedding: Float32Array) => Float32Array;
}

const INNER_FOLDS = 3;
/** Pairs that judge one candidate in one fold. */
const JUDGING_PAIRS = 200;

/**
 * The candidate whose predictions, for people it did not learn from, stand out most among other people's targets. With
 * fewer than three people there is nothing to choose by, and the first candidate is taken.
 */
export function chooseByPeople<C extends number>(
  pairs: readonly PosePair[],
  candidates: readonly C[],
  learn: (pairs: readonly PosePair[], candidate: C) => PairModel,
): C {
  const people = shuffle(seededRandom(0, 'inner folds'), [
    ...new Set(pairs.map(({ subjectId }) => subjectId)),
  ]);
  const first = candidates[0]!;
  if (people.length < INNER_FOLDS || candidates.length === 1) return first;
  // One array a fold for all candidates, so that what is computed once per pairs is.
  const parts = Array.from({ length: INNER_FOLDS }, (_, fold) => {
    const held = new Set(people.filter((_, i) => i % INNER_FOLDS === fold));
    return {
      learned: pairs.filter(({ subjectId }) => !held.has(subjectId)),
      judged: pairs.filter(({ subjectId }) => held.has(subjectId)),
    };
  });
  let [best, chosen] = [Number.NEGATIVE_INFINITY, first];
  for (const candidate of candidates) {
    const score = parts.reduce(
      (sum, { learned, judged }) => sum + standOut(learn(learned, candidate), judged),
      0,
    );
    if (score > best) [best, chosen] = [score, candidate];
  }
  return chosen;
}

/**
 * How far the similarity of a prediction to its own target lies above those to other people's targets, in their
 * standard deviations; mean over pairs.
 */
export function standOut({ predict, transform }: PairModel, pairs: readonly PosePair[]): number {
  const every = Math.max(1, Math.floor(pairs.length / JUDGING_PAIRS));
  const judged = pairs.filter((_, i) => i % every === 0);
  const unit = (embedding: Float32Array) => {
    const direction = Float32Array.from(transform?.(embedding) ?? embedding);
    normalizeInPlace(direction);
    return direction;
  };
  const targets = judged.map(({ target }) => unit(target));
  const answers = predict(judged).map(unit);
  let [sum, count] = [0, 0];
  judged.forEach((pair, i) => {
    const answer = answers[i]!;
    const foreign = judged.flatMap(({ subjectId }, k) =>
      subjectId === pair.subjectId ? [] : [dot(answer, targets[k]!)],
    );
    if (foreign.length < 2) return;
    const mean = foreign.reduce((a, b) => a + b, 0) / foreign.length;
    const deviation = Math.sqrt(foreign.reduce((a, b) => a + (b - mean) ** 2, 0) / foreign.length);
    sum += (dot(answer, targets[i]!) - mean) / Math.max(deviation, 1e-6);
    count++;
  });
  return count === 0 ? 0 : sum / count;
}

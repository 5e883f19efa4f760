/** Measurements that are functions of sums over faces, kept by person so that people can be drawn again. */
import { type Resampled, resample } from '../../src/evaluate/bootstrap.ts';

/** What one face adds; every face adds as many numbers. */
export interface Tallied {
  readonly subjectId: string;
  readonly adds: readonly number[];
}

/** `of`: the measurement as a function of the summed numbers; NaN where it is not defined. */
export function tally(
  faces: readonly Tallied[],
  of: (sums: readonly number[]) => number,
  drawsOf: (people: number) => readonly Float64Array[],
): Resampled {
  const people = new Map<string, number[]>();
  for (const { subjectId, adds } of faces) {
    const own = people.get(subjectId);
    if (own === undefined) people.set(subjectId, [...adds]);
    else
      adds.forEach((value, k) => {
        own[k]! += value;
      });
  }
  const sums = [...people.keys()].sort().map((subjectId) => people.get(subjectId)!);
  const width = sums[0]?.length ?? 0;
  return resample(
    (weights) =>
      of(
        Array.from({ length: width }, (_, k) =>
          sums.reduce((sum, own, person) => sum + weights[person]! * own[k]!, 0),
        ),
      ),
    drawsOf(sums.length),
  );
}

/** A number read off a face against the true one. */
export interface Reading {
  readonly subjectId: string;
  readonly truth: number;
  readonly read: number;
}

/** What the sums of `readingTally` say. */
export const READING_MEASURES = {
  /** 1 − squared error / variance of the truth. */
  rSquared: ([n, truth, , truthSquare, , , square]) =>
    1 - square! / Math.max(1e-12, truthSquare! - truth! ** 2 / n!),
  meanAbsoluteError: ([n, , , , , , , absolute]) => absolute! / n!,
  correlation: ([n, truth, read, truthSquare, readSquare, product]) =>
    (product! - (truth! * read!) / n!) /
    Math.sqrt((truthSquare! - truth! ** 2 / n!) * (readSquare! - read! ** 2 / n!)),
} as const satisfies Record<string, (sums: readonly number[]) => number>;

export function readingTally({ subjectId, truth, read }: Reading): Tallied {
  const error = read - truth;
  return {
    subjectId,
    adds: [1, truth, read, truth ** 2, read ** 2, truth * read, error ** 2, Math.abs(error)],
  };
}

/** A yes-or-no question about a face. */
export interface Answer {
  readonly subjectId: string;
  readonly positive: boolean;
  readonly right: boolean;
}

export function answerTally({ subjectId, positive, right }: Answer): Tallied {
  const hit = right ? 1 : 0;
  return { subjectId, adds: positive ? [1, hit, 0, 0] : [0, 0, 1, hit] };
}

export const ANSWER_MEASURES = {
  share: ([positives, hits, negatives, rejections]) => (hits! + rejections!) / (positives! + negatives!),
  /** Mean of the shares among both classes; one half by chance. */
  balancedAccuracy: ([positives, hits, negatives, rejections]) =>
    (hits! / positives! + rejections! / negatives!) / 2,
} as const satisfies Record<string, (sums: readonly number[]) => number>;

/** What both forms of the KDEF protocol work on: embedded faces with labels, a generator and a classifier. */

import { dot, normalizeInPlace } from '../../shared/l2.ts';
import { type KdefLabels, kdefSubjectOf } from '../../shared/labels/kdefName.ts';
import { type Random, randomNormal } from '../../shared/random.ts';

/** Stands in every output of these protocols. */
export const NEVER_RUN_ON_KDEF =
  'never run on the real set: KDEF may not be redistributed, this protocol was only tested on a made-up folder with its file names';

export interface KdefFace {
  readonly labels: KdefLabels;
  /** Unit length, D values. */
  readonly embedding: Float32Array;
  /** 512 values. */
  readonly postureCode: Float32Array;
}

/** The identity of `input` at the posture of `posture` should be `output`: same sitting and emotion, its angle. */
export interface KdefPair {
  readonly input: KdefFace;
  readonly posture: KdefFace;
  readonly output: KdefFace;
}

/** Embeddings of the inputs at the postures, in order; unit length. */
export type KdefGenerator = (
  wanted: readonly Pick<KdefPair, 'input' | 'posture'>[],
) => Promise<Float32Array[]>;

/** A generator that has seen these pairs. One that was trained elsewhere ignores them. */
export type FitKdefGenerator = (pairs: readonly KdefPair[]) => Promise<KdefGenerator>;

/** Learns classes from rows (n × D) and answers with the classes of other rows, in order. */
export type ClassifyRows = (
  train: { readonly rows: readonly Float32Array[]; readonly classes: readonly string[] },
  test: readonly Float32Array[],
) => Promise<string[]>;

export const KDEF_TASKS = ['identity', 'pose', 'emotion'] as const;
export type KdefTask = (typeof KDEF_TASKS)[number];

/** What the classifier learned from besides the real inputs: nothing, as many noisy copies, the variants. */
export const KDEF_ROWS = ['none', 'jitter', 'generated'] as const;
export type KdefRow = (typeof KDEF_ROWS)[number];

/** Right answers of a row, by person, so that intervals can be drawn over persons. */
export interface KdefScore {
  readonly task: KdefTask;
  readonly row: KdefRow;
  readonly trainingRows: number;
  /** Persons whose faces were classified. */
  readonly subjects: readonly {
    readonly subjectId: string;
    readonly right: number;
    readonly asked: number;
  }[];
}

/** Counts the answers by person. */
export function scoreAnswers(
  task: KdefTask,
  row: KdefRow,
  trainingRows: number,
  answers: readonly { readonly face: KdefFace; readonly right: boolean }[],
): KdefScore {
  const subjects = new Map<string, { right: number; asked: number }>();
  for (const { face, right } of answers) {
    const subjectId = kdefSubjectOf(face.labels);
    const counts = subjects.get(subjectId) ?? { right: 0, asked: 0 };
    counts.asked++;
    if (right) counts.right++;
    subjects.set(subjectId, counts);
  }
  return {
    task,
    row,
    trainingRows,
    subjects: [...subjects].map(([subjectId, counts]) => ({ subjectId, ...counts })),
  };
}

/** Noisy copies of the sources, each as far from its source as its variant is; unit length. */
export function jitterLike(
  random: Random,
  sources: readonly Float32Array[],
  variants: readonly Float32Array[],
): Float32Array[] {
  return sources.map((source, row) => {
    const wanted = Math.sqrt(Math.max(0, 2 - 2 * dot(source, variants[row]!)));
    const noise = Float32Array.from(source, () => randomNormal(random));
    // Noise within the sphere's tangent plane, so that its length is nearly the chord.
    const along = dot(noise, source);
    for (let i = 0; i < noise.length; i++) noise[i]! -= along * source[i]!;
    normalizeInPlace(noise);
    // A chord of length c spans the angle 2·asin(c/2).
    const angle = 2 * Math.asin(Math.min(1, wanted / 2));
    return noise.map((value, i) => Math.sin(angle) * value + Math.cos(angle) * source[i]!);
  });
}

/** Column means and standard deviations of rows (n × D); a constant column has deviation 1. */
export function columnScale(rows: readonly Float32Array[]): {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
} {
  const dim = rows[0]?.length ?? 0;
  const mean = new Float64Array(dim);
  const deviation = new Float64Array(dim);
  for (const row of rows) for (let i = 0; i < dim; i++) mean[i]! += row[i]! / rows.length;
  for (const row of rows)
    for (let i = 0; i < dim; i++) deviation[i]! += (row[i]! - mean[i]!) ** 2 / rows.length;
  for (let i = 0; i < dim; i++) deviation[i] = deviation[i]! > 0 ? Math.sqrt(deviation[i]!) : 1;
  return { mean, deviation };
}

export function scaleRows(
  rows: readonly Float32Array[],
  scale: ReturnType<typeof columnScale>,
): Float32Array[] {
  return rows.map((row) => row.map((value, i) => (value - scale.mean[i]!) / scale.deviation[i]!));
}

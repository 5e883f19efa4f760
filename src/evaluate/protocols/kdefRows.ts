/** Scores of a KDEF protocol as rows of the result, with intervals over people. */
import { difference, drawPeople, interval, type Resampled, resample } from '../bootstrap.ts';
import { KDEF_TASKS, type KdefScore } from './kdefFaces.ts';
import type { ProtocolResult, ProtocolRow } from './protocolResult.ts';

/** One generator's scores: rows none, jitter and generated of every task. */
export interface KdefScores {
  readonly id: string;
  readonly label: string;
  readonly kind: 'rival' | 'generator';
  readonly trainedOn: string;
  readonly scores: readonly KdefScore[];
}

const MEANING = {
  identity: 'accuracy of the person by RBF SVM',
  pose: 'accuracy of the camera angle by RBF SVM',
  emotion: 'accuracy of the emotion by RBF SVM',
} as const;

/** none and jitter once, then a row a generator. Differences are to none, paired by person. */
export function kdefRows(
  generators: readonly KdefScores[],
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Pick<ProtocolResult, 'measures' | 'rows'> {
  const [first] = generators;
  if (first === undefined) return { measures: [], rows: [] };
  const people = [...new Set(first.scores.flatMap(({ subjects }) => subjects.map((one) => one.subjectId)))];
  const draws = drawPeople(people.length, resamples, seed);
  const accuracies = (scores: readonly KdefScore[], row: KdefScore['row']) =>
    new Map(
      scores
        .filter((score) => score.row === row)
        .map((score) => [score.task, resample(accuracy(score, people), draws)]),
    );
  const none = accuracies(first.scores, 'none');
  const rowOf = (row: Omit<ProtocolRow, 'values'>, values: Map<string, Resampled>): ProtocolRow => ({
    ...row,
    values: valuesOf(values, row.kind === 'none' ? undefined : none),
  });
  return {
    measures: KDEF_TASKS.map((name) => ({ name, better: 'higher' as const, meaning: MEANING[name] })),
    rows: [
      rowOf({ id: 'none', label: 'none', kind: 'none', trainedOn: '' }, none),
      ...generators.flatMap(({ id, label, kind, trainedOn, scores }) => [
        rowOf({ id, label, kind, trainedOn }, accuracies(scores, 'generated')),
        rowOf(
          {
            id: `jitter-${id}`,
            label: 'jitter',
            kind: 'rival',
            trainedOn: `nothing; noise as long as the variants of ${label} are far`,
          },
          accuracies(scores, 'jitter'),
        ),
      ]),
    ],
  };
}

function accuracy({ subjects }: KdefScore, people: readonly string[]): (weights: Float64Array) => number {
  const places = new Map(people.map((person, i) => [person, i]));
  return (weights) => {
    let [right, asked] = [0, 0];
    for (const subject of subjects) {
      const weight = weights[places.get(subject.subjectId)!]!;
      right += weight * subject.right;
      asked += weight * subject.asked;
    }
    return right / asked;
  };
}

function valuesOf(
  values: ReadonlyMap<string, Resampled>,
  none: ReadonlyMap<string, Resampled> | undefined,
): ProtocolRow['values'] {
  const shown: ProtocolRow['values'] = {};
  for (const [task, resampled] of values) {
    const value = interval(resampled);
    if (value === undefined) continue;
    const reference = none?.get(task);
    const gain = reference && interval(difference(resampled, reference));
    shown[task] = gain === undefined ? value : { ...value, difference: gain };
  }
  return shown;
}

import { type KdefLabels, kdefSubjectOf } from '../../src/shared/labels/kdefName.ts';

/** The file name of labels: the inverse of `parseKdefName`. */
export function kdefNameOf(labels: KdefLabels): string {
  const { session, emotion, angle } = labels;
  return `${session}${kdefSubjectOf(labels)}${emotion}${angle}.JPG`;
}

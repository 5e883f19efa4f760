/**
 * A corpus with the file names of KDEF (`AF01ANFL.JPG`) as its people: gender and number are the person, in both
 * sittings; session, emotion and angle are labels. Which folder a photograph lies in does not matter, but it lies in one.
 * Never run on the real set.
 */
import type { FaceRecord } from '../../shared/face.ts';
import { type KdefLabels, kdefSubjectOf, parseKdefName } from '../../shared/labels/kdefName.ts';
import type { LabelColumn, LabelValue } from '../../shared/labels/labelColumns.ts';
import type { CorpusReader } from './corpusReader.ts';
import { inListingOrder } from './faceSorter.ts';
import type { IgnoredEntries } from './ignored.ts';

/** The labels that a run has when it names none. */
export const KDEF_LABEL_COLUMNS: readonly LabelColumn[] = [
  { name: 'session', type: 'string' },
  { name: 'emotion', type: 'string' },
  { name: 'angle', type: 'string' },
];

/** All labels that a name holds. */
export const KDEF_LABELS = [
  'session',
  'gender',
  'emotion',
  'angle',
] as const satisfies readonly (keyof KdefLabels)[];

/** Names the people of a reader's photographs by their files; what has another name is passed over and counted. */
export function kdefCorpus(photographs: CorpusReader, labelColumns: readonly LabelColumn[]): CorpusReader {
  return {
    ignored: photographs.ignored,
    // Both sittings of a person lie in folders of their own.
    faces: (signal, onListed) =>
      inListingOrder(named(photographs.faces(signal), photographs.ignored, labelColumns), signal, onListed),
  };
}

async function* named(
  photographs: AsyncIterable<FaceRecord>,
  ignored: IgnoredEntries,
  labelColumns: readonly LabelColumn[],
): AsyncGenerator<FaceRecord> {
  for await (const photograph of photographs) {
    const name = parseKdefName(photograph.faceId);
    if (name.status === 'malformed') ignored.add('not a KDEF file name', photograph.faceId);
    else {
      yield {
        ...photograph,
        subjectId: kdefSubjectOf(name.labels),
        labels: labelColumns.map((column) => labelOf(name.labels, column)),
      };
    }
  }
}

function labelOf(labels: KdefLabels, { name }: LabelColumn): LabelValue {
  const known = KDEF_LABELS.find((label) => label === name);
  return known === undefined ? null : labels[known];
}

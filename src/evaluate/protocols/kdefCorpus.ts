/**
 * A folder with KDEF names as a corpus of 70 people. The set's own folders (`AF01`, `BF01` …) are one for each
 * sitting; here both sittings of a person are one subject. Never run on the real set.
 */
import type { FaceRecord, Rejection } from '../../shared/face.ts';
import { KDEF_YAW, type KdefLabels, kdefSubjectOf, parseKdefName } from '../../shared/labels/kdefName.ts';

/** A photograph with the labels of its name. */
export interface KdefPhotograph {
  /** Of the reader, with the person instead of the folder as `subjectId`. */
  readonly record: FaceRecord;
  readonly labels: KdefLabels;
  /** Nominal, in degrees: −90, −45, 0, 45 or 90. */
  readonly yaw: number;
}

export type KdefOutcome =
  | { readonly status: 'ok'; readonly photograph: KdefPhotograph }
  | { readonly status: 'rejected'; readonly record: FaceRecord; readonly rejection: Rejection };

/** The photograph that a file of the set is, or why its name cannot be read. */
export function kdefPhotograph(record: FaceRecord): KdefOutcome {
  const name = parseKdefName(record.uri);
  if (name.status === 'malformed') {
    const { part, expected, found } = name.problem;
    const message = `KDEF ${part === 'name' ? 'file name' : part}: expected ${expected}, found ${JSON.stringify(found)}`;
    return { status: 'rejected', record, rejection: { stage: 'read', code: 'bad-kdef-name', message } };
  }
  const { labels } = name;
  const photograph = {
    record: { ...record, subjectId: kdefSubjectOf(labels) },
    labels,
    yaw: KDEF_YAW[labels.angle],
  };
  return { status: 'ok', photograph };
}

/**
 * How many rows tables have whose faces are called by file and row. Where such a table has more or fewer of them than
 * it was listed with, nobody can tell which came or went: the rows behind are called as others were.
 */

import { isCalledByRow } from '../../shared/corpus/rowIds.ts';
import type { FaceRecord } from '../../shared/face.ts';

export interface ChangedRows {
  readonly uri: string;
  readonly before: number;
  readonly now: number;
}

export interface RowCounts {
  /** A face of an earlier listing. */
  addBefore(face: FaceRecord): void;
  /** A face of the corpus. */
  addNow(face: FaceRecord): void;
  /** Tables in both with other numbers of rows, in the order of the corpus. */
  changed(): ChangedRows[];
}

export function createRowCounts(): RowCounts {
  const before = new Map<string, number>();
  const now = new Map<string, number>();
  const count = (rows: Map<string, number>, face: FaceRecord): void => {
    if (isCalledByRow(face)) rows.set(face.uri, (rows.get(face.uri) ?? 0) + 1);
  };
  return {
    addBefore: (face) => count(before, face),
    addNow: (face) => count(now, face),
    changed: () =>
      [...now].flatMap(([uri, rows]) => {
        const listed = before.get(uri) ?? rows;
        return listed === rows ? [] : [{ uri, before: listed, now: rows }];
      }),
  };
}

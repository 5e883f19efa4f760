/**
 * Whose photograph a row of a table is: one rule for listing a table and for looking whether a row is still the one
 * that was listed.
 */
import type { FaceRecord } from '../face.ts';
import type { SourceRow } from './sourceTable.ts';
import type { CorpusColumns } from './tableColumns.ts';

/** Undefined: the cell names nobody. */
export interface RowIds {
  readonly faceId: string | undefined;
  readonly subjectId: string | undefined;
}

/** Without a column for it, a face is called by its file and row. */
export function idsOfRow(
  { faceId, subjectId }: Pick<CorpusColumns, 'faceId' | 'subjectId'>,
  cells: SourceRow | undefined,
  uri: string,
  row: number,
): RowIds {
  return {
    faceId: faceId === undefined ? idOfPlace(uri, row) : idOfCell(cells?.[faceId]),
    subjectId: idOfCell(cells?.[subjectId]),
  };
}

/** Whether a face has its id for want of a column with one. */
export function isCalledByRow({ faceId, uri, row }: FaceRecord): boolean {
  return row !== undefined && faceId === idOfPlace(uri, row);
}

function idOfPlace(uri: string, row: number): string {
  return `${uri}#${row}`;
}

/** A text, or a number as text. */
export function idOfCell(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\uFFFD') ? value : undefined;
}

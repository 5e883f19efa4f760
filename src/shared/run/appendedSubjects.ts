/**
 * listing/subjects-<plan>.parquet: who the people of an append's listing are to the run. One row a person, in the
 * order of the listing, so that a shard's people are a row range of it.
 */
import { z } from 'zod';
import { IntegrityError } from '../errors.ts';
import type { PlanColumns } from '../listing/listingTable.ts';
import { MAX_SHARDS } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { openStoredTable } from '../table/storedTable.ts';

export const APPENDED_SUBJECT_COLUMNS = {
  subject_id: 'STRING',
  class_index: 'INT64',
  /** Places that hold the person's earlier rows, separated by commas; empty for somebody new. */
  earlier: 'STRING',
} as const satisfies PlanColumns;

/** In messages. */
const TABLE_OF_PEOPLE = "an append's table of people";

export interface AppendedSubject {
  readonly subjectId: string;
  readonly classIndex: number;
  /** Places that hold earlier rows of the person, ascending; none for somebody new. */
  readonly earlier: readonly number[];
}

const subjectRow = z.strictObject({
  subject_id: z.string().min(1),
  class_index: z.bigint().min(0n),
  earlier: z.string().regex(/^(\d{1,9}(,\d{1,9})*)?$/, 'expected places separated by commas'),
});

/** Rows [start, end). Throws IntegrityError when the table is not there, is shorter, or is not such a table. */
export async function readAppendedSubjects(
  store: ObjectStore,
  key: string,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<AppendedSubject[]> {
  const table = await openStoredTable(store, key, TABLE_OF_PEOPLE, signal);
  if (table === undefined || table.rows < end) {
    throw new IntegrityError('no-subjects', `${TABLE_OF_PEOPLE} is not there or too short`, {
      key,
      rows: table?.rows,
      asked: `${start}–${end}`,
    });
  }
  const rows = await table.read(Object.keys(APPENDED_SUBJECT_COLUMNS), subjectRow, start, end);
  return rows.map(({ subject_id, class_index, earlier }) => {
    const places = earlier === '' ? [] : earlier.split(',').map(Number);
    const found = places.find((place) => place >= MAX_SHARDS);
    if (found !== undefined) {
      const message = `${TABLE_OF_PEOPLE}: expected places below ${MAX_SHARDS}, found ${found}`;
      throw new IntegrityError('bad-listing', message, { key });
    }
    return { subjectId: subject_id, classIndex: Number(class_index), earlier: places };
  });
}

/** The two Parquet tables of a plan: the listing (one row a face) and the shards (one row a shard). */
import type { LabelColumn, LabelType } from '../labels/labelColumns.ts';
import type { ColumnarTable } from '../table/columns.ts';
import { IntegerColumn } from '../table/integerColumn.ts';
import { NumberColumn } from '../table/numberColumn.ts';
import { openPlanFile } from '../table/planFile.ts';
import { TextColumn } from '../table/textColumn.ts';

/** Name and type of each column, in order. */
export type PlanColumns = Readonly<Record<string, PlanColumnType>>;
/** A question mark: the column may hold null. */
export type PlanColumnType = 'STRING' | 'INT64' | 'STRING?' | 'INT64?' | 'DOUBLE?';

export const LISTING_COLUMNS = {
  face_id: 'STRING',
  subject_id: 'STRING',
  uri: 'STRING',
  bytes: 'INT64',
  offset: 'INT64?',
  row: 'INT64?',
} as const satisfies PlanColumns;

/** Columns that listings of earlier versions lack: read as null. */
export const LATER_LISTING_COLUMNS: readonly string[] = ['offset', 'row'];

const LABEL_STORAGE: Readonly<Record<LabelType, PlanColumnType>> = {
  string: 'STRING?',
  integer: 'INT64?',
  number: 'DOUBLE?',
};

/** The listing's columns with those of the corpus's labels, which have their own names. */
export function listingColumns(labelColumns: readonly LabelColumn[]): PlanColumns & typeof LISTING_COLUMNS {
  const labels = labelColumns.map(({ name, type }) => [name, LABEL_STORAGE[type]]);
  return { ...LISTING_COLUMNS, ...Object.fromEntries(labels) };
}

export const SHARD_COLUMNS = {
  index: 'INT64',
  part: 'STRING',
  row_start: 'INT64',
  row_end: 'INT64',
  subjects: 'INT64',
  faces: 'INT64',
  bytes: 'INT64',
  first_class_index: 'INT64',
} as const satisfies PlanColumns;

/** Small enough that a worker reads little beside its own rows. */
const ROW_GROUP = 10_000;

export type PlanTableRow<C extends PlanColumns> = { [K in keyof C]: ColumnValue<C[K]> };

type ColumnValue<T extends PlanColumnType> = {
  STRING: string;
  INT64: number;
  'STRING?': string | null;
  'INT64?': number | null;
  'DOUBLE?': number | null;
}[T];

export interface PlanTableWriter<C extends PlanColumns> {
  /**
   * Adds a row. Every so often it returns a promise: a row group is full, and nothing may be appended before it is
   * written. That keeps the thread busy for about 10 ms.
   */
  append(row: PlanTableRow<C>): Promise<void> | undefined;
  /** Rows so far. */
  readonly rows: number;
  /** The whole file, piece after piece; the writer is empty afterwards. Nothing may be appended before it is done. */
  finish(): Promise<readonly Uint8Array[]>;
}

/**
 * Builds one Parquet file (snappy, row groups of 10,000). Memory: one row group as flat columns, the earlier ones as
 * they are in the file. A row costs two microseconds and leaves nothing to the garbage collector but the strings that
 * it came with.
 */
export function createPlanTableWriter<C extends PlanColumns>(columns: C): PlanTableWriter<C> {
  const fields = Object.entries(columns).map(([name, type]) => ({ name, column: planColumn(name, type) }));
  let file = openPlanFile(ROW_GROUP);
  /** Of the file, and of those the ones that are not in a row group yet. */
  let rows = 0;
  let open = 0;

  async function endGroup(): Promise<void> {
    const group: ColumnarTable = { rows: open, columns: fields.map(({ column }) => column.finish()) };
    await file.write(group);
    for (const { column } of fields) column.clear();
    open = 0;
  }

  return {
    append(row) {
      for (const { name, column } of fields) column.add((row as PlanTableRow<PlanColumns>)[name] ?? null);
      rows++;
      return ++open === ROW_GROUP ? endGroup() : undefined;
    },
    get rows() {
      return rows;
    },
    async finish() {
      if (open > 0 || rows === 0) await endGroup();
      const pieces = await file.finish();
      file = openPlanFile(ROW_GROUP);
      rows = 0;
      return pieces;
    },
  };
}

function planColumn(name: string, type: PlanColumnType): TextColumn | IntegerColumn | NumberColumn {
  const nullable = type.endsWith('?');
  switch (type) {
    case 'STRING':
    case 'STRING?':
      return new TextColumn({ name, type: 'utf8', nullable });
    case 'INT64':
    case 'INT64?':
      return new IntegerColumn({ name, type: 'int64', nullable });
    case 'DOUBLE?':
      return new NumberColumn({ name, type: 'float64', nullable });
  }
}

/** The two Parquet tables of a plan: the listing (one row a face) and the shards (one row a shard). */
import type { LabelColumn, LabelType } from './labelColumns.ts';
import type { TableColumns as ColumnarTable } from './table/columns.ts';
import { encodePlanTable } from './table/encodeTable.ts';
import { IntegerColumn } from './table/integerColumn.ts';
import { NumberColumn } from './table/numberColumn.ts';
import { TextColumn } from './table/textColumn.ts';

/** Name and type of each column, in order. */
export type TableColumns = Readonly<Record<string, ColumnType>>;
/** A question mark: the column may hold null. */
export type ColumnType = 'STRING' | 'INT64' | 'STRING?' | 'INT64?' | 'DOUBLE?';

export const LISTING_COLUMNS = {
  face_id: 'STRING',
  subject_id: 'STRING',
  uri: 'STRING',
  bytes: 'INT64',
  offset: 'INT64?',
  row: 'INT64?',
} as const satisfies TableColumns;

/** Columns that listings of earlier versions lack: read as null. */
export const LATER_LISTING_COLUMNS: readonly string[] = ['offset', 'row'];

const LABEL_STORAGE: Readonly<Record<LabelType, ColumnType>> = {
  string: 'STRING?',
  integer: 'INT64?',
  number: 'DOUBLE?',
};

/** The listing's columns with those of the corpus's labels, which have their own names. */
export function listingColumns(labelColumns: readonly LabelColumn[]): TableColumns & typeof LISTING_COLUMNS {
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
} as const satisfies TableColumns;

/** Small enough that a worker reads little beside its own rows. */
const ROW_GROUP = 10_000;

export type TableRow<C extends TableColumns> = { [K in keyof C]: ColumnValue<C[K]> };

type ColumnValue<T extends ColumnType> = {
  STRING: string;
  INT64: number;
  'STRING?': string | null;
  'INT64?': number | null;
  'DOUBLE?': number | null;
}[T];

export interface TableWriter<C extends TableColumns> {
  append(row: TableRow<C>): void;
  /** Rows so far. */
  readonly rows: number;
  /**
   * The whole file, piece after piece; the writer is empty afterwards, and its memory serves the next file. Keeps the thread busy for about a
   * second a million rows. Nothing may be appended before it is done.
   */
  finish(): Promise<readonly Uint8Array[]>;
}

/**
 * Builds one Parquet file (snappy, row groups of 10,000) from flat columns in memory. A row costs two microseconds and
 * leaves nothing to the garbage collector but the strings that it came with.
 */
export function createTableWriter<C extends TableColumns>(columns: C): TableWriter<C> {
  const fields = Object.entries(columns).map(([name, type]) => ({ name, column: planColumn(name, type) }));
  let rows = 0;
  return {
    append(row) {
      for (const { name, column } of fields) column.add((row as TableRow<TableColumns>)[name] ?? null);
      rows++;
    },
    get rows() {
      return rows;
    },
    async finish() {
      const table: ColumnarTable = { rows, columns: fields.map(({ column }) => column.finish()) };
      const file = await encodePlanTable(table, ROW_GROUP);
      for (const { column } of fields) column.clear();
      rows = 0;
      return file;
    },
  };
}

function planColumn(name: string, type: ColumnType): TextColumn | IntegerColumn | NumberColumn {
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

/** The two Parquet tables of a plan: the listing (one row a face) and the shards (one row a shard). */
import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { LabelColumn, LabelType } from './labelColumns.ts';

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
  /** The whole file; the writer is used up. */
  finish(): Uint8Array;
}

/** Builds one Parquet file (snappy, row groups of 10,000) in memory, about as large as the file. */
export function createTableWriter<C extends TableColumns>(columns: C): TableWriter<C> {
  const names = Object.keys(columns) as (keyof C & string)[];
  let group = names.map((): (string | bigint | number | null)[] => []);
  let rows = 0;
  const columnData = () =>
    names.map((name, i) => ({
      name,
      data: group[i] ?? [],
      type: columns[name]?.replace('?', '') as BasicType,
      nullable: columns[name]?.endsWith('?') ?? false,
    }));
  const writer = new ByteWriter(2 ** 20);
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnData() }),
    createdBy: 'posecast',
  });
  const flush = (): void => {
    if (group[0]?.length === 0) return;
    // An in-memory writer works synchronously.
    void parquet.write({ columnData: columnData(), rowGroupSize: ROW_GROUP });
    group = names.map(() => []);
  };
  return {
    append(row) {
      for (const [i, name] of names.entries()) {
        const value = row[name];
        const isInteger = typeof value === 'number' && columns[name] !== 'DOUBLE?';
        group[i]?.push(isInteger ? BigInt(value) : value);
      }
      rows++;
      if (rows % ROW_GROUP === 0) flush();
    },
    get rows() {
      return rows;
    },
    finish() {
      flush();
      void parquet.finish();
      return writer.getBytes();
    },
  };
}

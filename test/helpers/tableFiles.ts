/**
 * Tables as other tools write them: Parquet by arrow-rs, Arrow IPC by apache-arrow, with images as bytes or structs.
 */
import { writeFileSync } from 'node:fs';
import {
  Binary,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import * as parquet from 'parquet-wasm';

export type Cell = string | number | Uint8Array | null;

/** Column → its type and values. 'image struct': bytes and a path, as Hugging Face's `Image`. */
export type TableColumns = Readonly<
  Record<
    string,
    {
      readonly type: 'text' | 'integer' | 'number' | 'bytes' | 'image struct';
      readonly values: readonly Cell[];
    }
  >
>;

export interface WriteOptions {
  readonly format: 'parquet' | 'arrow' | 'arrow stream';
  /** Of a row group or a record batch. Default: all. */
  readonly pieceRows?: number;
  /** Parquet: rows after which a page may end, which it then does whatever they hold. Default: as the writer has it. */
  readonly pageRows?: number;
  /** Parquet: other codecs, versions of pages and encodings. */
  readonly properties?: (builder: parquet.WriterPropertiesBuilder) => parquet.WriterPropertiesBuilder;
}

export function tableBytes(columns: TableColumns, options: WriteOptions): Uint8Array {
  const vectors = Object.entries(columns).map(
    ([name, { type, values }]) => [name, vectorOf(type, values)] as const,
  );
  const rows = vectors[0]?.[1].length ?? 0;
  const { pieceRows = Math.max(1, rows) } = options;
  const fields = vectors.map(([name, vector]) => new Field(name, vector.type, true));
  const schema = new Schema(fields);
  const batches: RecordBatch[] = [];
  for (let start = 0; start < rows; start += pieceRows) {
    const end = Math.min(rows, start + pieceRows);
    const children = vectors.map(([name]) => {
      const { type, values } = columns[name] as TableColumns[string];
      // Made anew: a slice would carry the whole.
      const [data] = vectorOf(type, values.slice(start, end)).data;
      return data as NonNullable<typeof data>;
    });
    const data = makeData({ type: new Struct(fields), length: end - start, nullCount: 0, children });
    batches.push(new RecordBatch(schema, data));
  }
  const table = new Table(schema, batches);
  if (options.format !== 'parquet') return tableToIPC(table, options.format === 'arrow' ? 'file' : 'stream');
  let properties = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.ZSTD)
    .setMaxRowGroupSize(pieceRows);
  if (options.pageRows !== undefined) {
    properties = properties
      .setDataPageSizeLimit(1)
      .setWriteBatchSize(options.pageRows)
      .setDictionaryEnabled(false);
  }
  properties = options.properties?.(properties) ?? properties;
  return parquet.writeParquet(
    parquet.Table.fromIPCStream(tableToIPC(new Table(schema, batches), 'stream')),
    properties.build(),
  );
}

export function writeTable(path: string, columns: TableColumns, options: WriteOptions): void {
  writeFileSync(path, tableBytes(columns, options));
}

function vectorOf(type: TableColumns[string]['type'], values: readonly Cell[]) {
  switch (type) {
    case 'text':
      return vectorFromArray(values as (string | null)[], new Utf8());
    case 'integer':
      return vectorFromArray(
        values.map((value) => (value === null ? null : BigInt(value as number))),
        new Int64(),
      );
    case 'number':
      return vectorFromArray(values as (number | null)[], new Float64());
    case 'bytes':
      return vectorFromArray(values as (Uint8Array | null)[], new Binary());
    case 'image struct': {
      const fields = [new Field('bytes', new Binary(), true), new Field('path', new Utf8(), true)];
      const structs = values.map((value, i) => ({ bytes: value as Uint8Array | null, path: `${i}.jpg` }));
      return vectorFromArray(structs, new Struct<{ bytes: Binary; path: Utf8 }>(fields as never));
    }
  }
}

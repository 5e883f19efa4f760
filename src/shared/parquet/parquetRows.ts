/** Rows of a Parquet file as objects, decoded by hyparquet once what its pages say of themselves has been looked at. */
import { type AsyncBuffer, type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import { parquetPlan, prefetchAsyncBuffer } from 'hyparquet/src/plan.js';
import { assembleAsync, asyncGroupToRows, readRowGroup } from 'hyparquet/src/rowgroup.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { checkPages, type PagedColumn } from './checkPages.ts';
import { decompress } from './decompress.ts';

export interface ParquetRequest {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  /** Rows [start, end) of the file. */
  readonly rowStart: number;
  readonly rowEnd: number;
  /** Pages of the rows alone, where the file has an index of its pages. */
  readonly useOffsetIndex?: boolean;
}

/** Its own decoder drops a U+FEFF that a text begins with, and with it the difference between two people. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const PARSERS = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes) };

type Row = Record<string, unknown>;
type GroupPlan = Parameters<typeof readRowGroup>[2];
type ChunkPlan = GroupPlan['chunks'][number];
type ReadOptions = Pick<Parameters<typeof readRowGroup>[0], 'file' | 'compressors'>;

/**
 * Byte arrays of no logical type stay bytes. Throws an Error when the file does not hold what it says, or what
 * `file.slice` throws.
 */
export async function readParquetRows(request: ParquetRequest): Promise<Row[]> {
  const { metadata, rowStart, rowEnd } = request;
  const options = { ...request, columns: [...request.columns], utf8: false, parsers: PARSERS };
  const schema = parquetSchema(metadata);
  const missing = options.columns.find(
    (name) => !schema.children.some(({ element }) => element.name === name),
  );
  if (missing !== undefined) throw new Error(`no column ${missing}`);
  const plan = parquetPlan(options);
  const file = prefetchAsyncBuffer(request.file, plan);
  const rows: Row[] = [];
  for (const group of plan.groups) {
    const chunks = group.chunks.map((chunk) => ({
      chunk,
      checked: checkedChunk(file, chunk, group, schema),
    }));
    const asyncColumns = chunks.flatMap(
      ({ chunk, checked }) =>
        readRowGroup({ ...options, ...checked }, plan, { ...group, chunks: [chunk] }).asyncColumns,
    );
    const assembled = assembleAsync({ ...group, asyncColumns }, schema);
    await checkRows(assembled, options.columns, group.selectEnd);
    const found: Row[] = await asyncGroupToRows(
      assembled,
      group.selectStart,
      group.selectEnd,
      options.columns,
      'object',
    );
    for (const row of found) rows.push(row);
  }
  if (rows.length === rowEnd - rowStart) return rows;
  throw new Error(`expected ${rowEnd - rowStart} rows from row ${rowStart}, found ${rows.length}`);
}

/** A column with fewer rows than its row group says would be read as undefined. */
async function checkRows(
  { asyncColumns }: ReturnType<typeof assembleAsync>,
  columns: readonly string[],
  rows: number,
): Promise<void> {
  const found = new Map<string | undefined, number>();
  const all = await Promise.all(asyncColumns.map(({ data }) => data));
  for (const [i, { data, skipped }] of all.entries()) {
    const length = data.reduce((sum, page) => sum + page.length, skipped);
    found.set(asyncColumns[i]?.pathInSchema[0], length);
  }
  const short = columns.find((name) => !((found.get(name) ?? 0) >= rows));
  if (short === undefined) return;
  throw new Error(
    `column ${short}: expected ${rows} rows in a row group, found ${found.get(short) ?? 'none'}`,
  );
}

/** `file` for reading one chunk: its pages are checked when they are asked for, and decompressed no second time. */
function checkedChunk(
  file: AsyncBuffer,
  chunk: ChunkPlan,
  { selectStart, selectEnd }: GroupPlan,
  schema: SchemaTree,
): ReadOptions {
  const { columnMetadata: metadata } = chunk;
  const column: PagedColumn = { metadata, schemaPath: getTreePath(schema, metadata.path_in_schema) };
  const decompressed = new WeakMap<ArrayBufferLike, Map<number, Uint8Array>>();
  const isIndexed = 'offsetIndex' in chunk;
  // Pages that were found by the index all hold wanted rows.
  const wanted = isIndexed ? { start: 0, end: Infinity } : { start: selectStart, end: selectEnd };
  let slices = 0;
  return {
    file: {
      byteLength: file.byteLength,
      async slice(start, end) {
        const isIndex = isIndexed && slices++ === 0;
        const bytes = await file.slice(start, end);
        if (!isIndex) decompressed.set(bytes, checkPages(bytes, column, wanted));
        return bytes;
      },
    },
    compressors: {
      [metadata.codec]: (input: Uint8Array, length: number) => {
        const pages = decompressed.get(input.buffer);
        const page = pages?.get(input.byteOffset);
        pages?.delete(input.byteOffset);
        return page ?? decompress(input, metadata.codec, length);
      },
    },
  };
}

/** The Parquet files of a plan as they lie in a store: any rows of them, each checked, without reading the whole. */
import { parquetMetadataAsync } from 'hyparquet';
import { z } from 'zod';
import { describeIssues } from '../config.ts';
import { IntegrityError, PosecastError } from '../errors.ts';
import { parquetBuffer } from '../parquet/parquetBuffer.ts';
import { readParquetRows } from '../parquet/parquetRows.ts';
import type { ObjectStore } from '../store/objectStore.ts';

/** First read at the end of a file: holds the footer of a million rows. */
const FOOTER_BYTES = 64 * 1024;

/** One of them, opened. */
export interface StoredTable {
  readonly rows: number;
  readonly columns: ReadonlySet<string>;
  /** Rows [start, end), each of them checked. */
  read<T>(
    columns: string[],
    schema: z.ZodType<T>,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<T[]>;
}

/**
 * Undefined when the key is absent.
 * @param what it is, for messages: 'plan file'.
 */
export async function openStoredTable(
  store: ObjectStore,
  key: string,
  what: string,
  signal: AbortSignal | undefined,
): Promise<StoredTable | undefined> {
  const info = await store.head(key, signal);
  if (info === undefined) return undefined;
  const file = (stop: AbortSignal | undefined) =>
    parquetBuffer(info.bytes, (start, end) => store.get(key, { start, end }, stop));
  const guarded = async <T>(stop: AbortSignal | undefined, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      stop?.throwIfAborted();
      // The store's own, as when it does not answer, says nothing of the file; that it is shorter than it was does.
      if (error instanceof PosecastError && error.code !== 'bad-range') throw error;
      throw new IntegrityError('bad-listing', `${what} cannot be read`, { key, store: store.uri }, error);
    }
  };
  const metadata = await guarded(signal, () =>
    parquetMetadataAsync(file(signal), { initialFetchSize: FOOTER_BYTES }),
  );
  return {
    rows: Number(metadata.num_rows),
    columns: new Set(metadata.schema.slice(1).map(({ name }) => name)),
    read: (columns, schema, rowStart, rowEnd, stop = signal) =>
      guarded(stop, async () => {
        const rows = await readParquetRows({
          file: file(stop),
          metadata,
          columns,
          rowStart,
          rowEnd,
        });
        const parsed = z.array(schema).safeParse(rows);
        if (parsed.success) return parsed.data;
        throw new IntegrityError('bad-listing', `${what}: ${describeIssues(parsed.error)}`, { key });
      }),
  };
}

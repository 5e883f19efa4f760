/** Reads the plan of a run: the faces of a row range, and the shards. Range reads only, over any store. */
import { parquetMetadataAsync } from 'hyparquet';
import { z } from 'zod';
import { describeIssues } from './config.ts';
import { IntegrityError, PermanentShardError, PosecastError } from './errors.ts';
import type { FaceRecord } from './face.ts';
import { fitsLabel, type LabelColumn, type LabelValue } from './labelColumns.ts';
import { LATER_LISTING_COLUMNS, listingColumns, SHARD_COLUMNS } from './listingTable.ts';
import { parquetBuffer } from './parquet/parquetBuffer.ts';
import { readParquetRows } from './parquet/parquetRows.ts';
import { LISTING_PREFIX } from './run/runKeys.ts';
import type { ShardSpec } from './shard.ts';
import type { ObjectStore } from './store/objectStore.ts';

/** First read at the end of a file: holds the footer of a million rows. */
const FOOTER_BYTES = 64 * 1024;

/** Rows of the plan in memory at a time. */
const PLAN_CHUNK = 5_000;

/** A row range of one listing part; a ShardSpec is one. */
export type ListingRange = Pick<ShardSpec, 'part' | 'rowStart' | 'rowEnd'>;

const position = z
  .bigint()
  .min(0n)
  .nullish()
  .transform((value) => (value == null ? undefined : Number(value)));

const listingRow = z.strictObject({
  face_id: z.string().min(1),
  subject_id: z.string().min(1),
  uri: z.string().min(1),
  bytes: z.bigint(),
  offset: position,
  row: position,
});

/** What a label column may hold in the file; its type is checked after. */
const labelCell = z.union([z.string(), z.bigint(), z.number(), z.null()]);

const shardRow = z.strictObject({
  index: z.bigint(),
  part: z.string().min(1),
  row_start: z.bigint(),
  row_end: z.bigint(),
  subjects: z.bigint(),
  faces: z.bigint(),
  bytes: z.bigint(),
  first_class_index: z.bigint(),
});

/**
 * The faces of a range, in listing order.
 * @throws PermanentShardError when the part is not there or has fewer rows; IntegrityError when it cannot be read
 * as a listing.
 */
export async function readListing(
  store: ObjectStore,
  range: ListingRange,
  signal?: AbortSignal,
  labelColumns: readonly LabelColumn[] = [],
): Promise<FaceRecord[]> {
  const { part, rowStart, rowEnd } = range;
  const file = await openPart(store, part, signal);
  if (file === undefined) {
    throw new PermanentShardError('no-listing', 'listing part is not in the store', {
      key: part,
      store: store.uri,
    });
  }
  if (rowEnd > file.rows || rowStart >= rowEnd) {
    throw new PermanentShardError('bad-range', 'listing range is outside its part', {
      key: part,
      range: `${rowStart}–${rowEnd}`,
      rows: file.rows,
    });
  }
  const columns = Object.keys(listingColumns(labelColumns)).filter(
    (name) => file.columns.has(name) || !LATER_LISTING_COLUMNS.includes(name),
  );
  const rows = await file
    .read(columns, listingRow.catchall(labelCell), rowStart, rowEnd, signal)
    .catch((error: unknown) => {
      // It may have been put right when it is asked for again.
      openParts.get(store)?.delete(part);
      throw error;
    });
  return rows.map((row) => ({
    faceId: row.face_id,
    subjectId: row.subject_id,
    uri: row.uri,
    bytes: Number(row.bytes),
    ...(row.offset !== undefined && { offset: row.offset }),
    ...(row.row !== undefined && { row: row.row }),
    ...(labelColumns.length > 0 && {
      labels: labelColumns.map((column) => labelOf(column, row[column.name], part)),
    }),
  }));
}

/** Parts that stay open: those of the shards in work, and the next. */
const OPEN_PARTS = 4;
/** Parts never change, so that a shard need not ask for their size and footer again. */
const openParts = new WeakMap<ObjectStore, Map<string, Promise<StoredTable | undefined>>>();

async function openPart(
  store: ObjectStore,
  part: string,
  signal: AbortSignal | undefined,
): Promise<StoredTable | undefined> {
  const open = openParts.get(store) ?? new Map<string, Promise<StoredTable | undefined>>();
  openParts.set(store, open);
  const kept = await open.get(part)?.catch(() => undefined);
  if (kept !== undefined) return kept;
  const opening = openTable(store, part, signal);
  open.delete(part);
  open.set(part, opening);
  for (const oldest of [...open.keys()].slice(0, -OPEN_PARTS)) open.delete(oldest);
  return opening;
}

function labelOf({ name, type }: LabelColumn, cell: unknown, key: string): LabelValue {
  const value = (typeof cell === 'bigint' ? Number(cell) : (cell ?? null)) as LabelValue;
  if (fitsLabel(type, value)) return value;
  throw new IntegrityError('bad-listing', `plan file: ${name}: expected a label of type ${type}`, { key });
}

/** Where a run's plan lies; its id is in the key, so that two planners never write over each other. */
export function planKey(runId: string): string {
  return `${LISTING_PREFIX}shards-${runId}.parquet`;
}

/** A shard of the stored plan. */
export interface PlanRow {
  readonly spec: ShardSpec;
  readonly faces: number;
  /** Of images, as far as the corpus says. */
  readonly bytes: number;
}

/** Every shard of the plan in order, a few thousand in memory at a time. */
export async function* readPlan(
  store: ObjectStore,
  runId: string,
  signal?: AbortSignal,
): AsyncGenerator<PlanRow> {
  const file = await openPlanFile(store, runId, signal);
  for (let start = 0; start < file.rows; start += PLAN_CHUNK) {
    yield* await readPlanRows(file, runId, start, Math.min(start + PLAN_CHUNK, file.rows));
  }
}

/** The plan for looking up single shards, those in the order of the queue nearly for free. */
export interface ShardPlan {
  /** Undefined: no such shard is planned. Throws IntegrityError when the plan is not there or cannot be read. */
  shard(index: number): Promise<ShardSpec | undefined>;
}

/** Shards that are read at a time; two such pieces are kept. */
const LOOK_UP_CHUNK = 1_000;

/** Nothing is read before the first question. */
export function openPlan(store: ObjectStore, runId: string): ShardPlan {
  let file: Promise<StoredTable> | undefined;
  const kept = new Map<number, Promise<PlanRow[]>>();
  const rowsFrom = async (start: number): Promise<PlanRow[]> => {
    file ??= openPlanFile(store, runId, undefined);
    const opened = await file;
    return start < opened.rows
      ? readPlanRows(opened, runId, start, Math.min(start + LOOK_UP_CHUNK, opened.rows))
      : [];
  };
  return {
    async shard(index) {
      const start = index - (index % LOOK_UP_CHUNK);
      const reading = kept.get(start) ?? rowsFrom(start);
      kept.delete(start);
      kept.set(start, reading);
      for (const oldest of [...kept.keys()].slice(0, -2)) kept.delete(oldest);
      try {
        return (await reading)[index - start]?.spec;
      } catch (error) {
        // The store may answer the next time.
        file = undefined;
        kept.delete(start);
        throw error;
      }
    },
  };
}

async function openPlanFile(
  store: ObjectStore,
  runId: string,
  signal: AbortSignal | undefined,
): Promise<StoredTable> {
  const key = planKey(runId);
  const file = await openTable(store, key, signal);
  if (file !== undefined) return file;
  throw new IntegrityError('no-plan', 'the plan of the run is not in the store', { key, store: store.uri });
}

async function readPlanRows(
  file: StoredTable,
  runId: string,
  start: number,
  end: number,
): Promise<PlanRow[]> {
  const rows = await file.read(Object.keys(SHARD_COLUMNS), shardRow, start, end);
  return rows.map((row) => ({
    spec: {
      runId,
      index: Number(row.index),
      part: row.part,
      rowStart: Number(row.row_start),
      rowEnd: Number(row.row_end),
      subjects: Number(row.subjects),
      firstClassIndex: Number(row.first_class_index),
    },
    faces: Number(row.faces),
    bytes: Number(row.bytes),
  }));
}

/** One of the Parquet files of a plan, opened. */
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

/** A Parquet file of a plan; undefined when the key is absent. */
export async function openTable(
  store: ObjectStore,
  key: string,
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
      throw new IntegrityError('bad-listing', 'plan file cannot be read', { key, store: store.uri }, error);
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
        throw new IntegrityError('bad-listing', `plan file: ${describeIssues(parsed.error)}`, { key });
      }),
  };
}

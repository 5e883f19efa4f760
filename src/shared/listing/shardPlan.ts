/** Reads the plan of a run: its shards, in order or one by one. Range reads only, over any store. */
import { z } from 'zod';
import { IntegrityError } from '../errors.ts';
import { planKey } from '../run/runKeys.ts';
import type { ShardSpec } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { openStoredTable, type StoredTable } from '../table/storedTable.ts';
import { SHARD_COLUMNS } from './listingTable.ts';

/** Rows of the plan in memory at a time. */
const PLAN_CHUNK = 5_000;

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
  const file = await requirePlanTable(store, runId, signal);
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
    file ??= requirePlanTable(store, runId, undefined);
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

async function requirePlanTable(
  store: ObjectStore,
  runId: string,
  signal: AbortSignal | undefined,
): Promise<StoredTable> {
  const key = planKey(runId);
  const file = await openStoredTable(store, key, 'plan file', signal);
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

/**
 * What the commits of a run say, each read once, as columns of numbers: a run may have 100,000 shards, and their
 * commits as objects would take a gigabyte.
 */
import { mapInOrder } from '../../shared/async/mapInOrder.ts';
import { findNewCommits } from '../../shared/run/newCommits.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import {
  addByCode,
  addCounters,
  type Counters,
  noCounters,
  readCommitOf,
  type ShardCommit,
} from '../../shared/run/shardCommit.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import type { DoneShard } from './pace.ts';

/** Commits read at the same time. */
const READS = 32;

/** Names a worker may invent for stages, of which so many are kept. */
const MAX_STAGES = 24;

export interface WorkerTotals {
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  shards: number;
  faces: number;
  /** Milliseconds since 1970. */
  lastCommitAt: number;
}

/** A committed shard. */
export interface CommitRow extends Readonly<Counters> {
  readonly shard: number;
  readonly subjects: number;
  readonly firstClassIndex: number;
  /** Milliseconds since 1970. */
  readonly finishedAt: number;
  readonly totalMs: number;
  readonly worker: WorkerTotals;
  /** Milliseconds by stage, summed over threads, without the total. */
  readonly stagesMs: Readonly<Record<string, number>>;
}

export interface CommitLog {
  /**
   * Reads what was committed since the last time; `onRead` hears of every 500 commits.
   * @throws IntegrityError for a commit of another run: the store was emptied and used again.
   */
  refresh(shards: RunShards, signal?: AbortSignal, onRead?: () => void): Promise<void>;
  /** Raised with every commit. */
  readonly version: number;
  /** Shards that count. */
  readonly shardsDone: number;
  readonly counters: Readonly<Counters>;
  /** Rejected faces by `stage/code`. */
  readonly rejectsByCode: Readonly<Record<string, number>>;
  /** Rejected faces of one shard by `stage/code`. */
  rejectsOf(shard: number): Readonly<Record<string, number>>;
  has(shard: number): boolean;
  row(shard: number): CommitRow | undefined;
  /** Every committed shard that counts, in the order in which they were read; the object is used again. */
  done(): Iterable<DoneShard>;
  /** One number of a shard; undefined for one that is not committed. */
  number(shard: number, name: ShardNumber): number | undefined;
  /** Milliseconds by stage over all shards that count. */
  stageTotals(): ReadonlyMap<string, number>;
  /** Committed shards that count, in the order of the listing. */
  inOrder(): readonly number[];
  /** Names of stages met, in the order of the work, without `total`. */
  readonly stages: readonly string[];
  readonly workers: readonly WorkerTotals[];
}

const COUNTS = [
  'faces',
  'ok',
  'rejected',
  'variants',
  'variantsRejected',
  'subjects',
  'firstClassIndex',
] as const;

const STAGE = 'stage:';

/** What shards can be sorted by: a count, a time, or the milliseconds of a stage. */
export type ShardNumber = (typeof COUNTS)[number] | 'finishedAt' | 'totalMs' | `${typeof STAGE}${string}`;

function isCount(name: string): name is (typeof COUNTS)[number] {
  return (COUNTS as readonly string[]).includes(name);
}

export function openCommitLog(store: ObjectStore, runId: string): CommitLog {
  const finder = findNewCommits(store);
  /** Row by shard number, or −1. */
  let rowOf = new Int32Array(0);
  let current: RunShards | undefined;
  const columns = Object.fromEntries(COUNTS.map((name) => [name, column(Uint32Array)])) as Record<
    (typeof COUNTS)[number],
    Column
  >;
  const shardOf = column(Uint32Array);
  const finishedAt = column(Float64Array);
  const totalMs = column(Float32Array);
  const workerOf = column(Uint32Array);
  const stagesMs = new Map<string, Column>();
  const rejects = new Map<number, Readonly<Record<string, number>>>();
  const workers: WorkerTotals[] = [];
  const workerIndex = new Map<string, number>();
  let length = 0;
  let shardsDone = 0;
  let counters = noCounters();
  let rejectsByCode: Record<string, number> = {};
  let order: { version: number; shards: readonly number[] } = { version: 0, shards: [] };

  function add(commit: ShardCommit): void {
    const row = length++;
    const { spec, worker } = commit;
    rowOf[spec.index] = row;
    shardOf.set(row, spec.index);
    for (const name of ['faces', 'ok', 'rejected', 'variants', 'variantsRejected'] as const) {
      columns[name].set(row, commit.counters[name]);
    }
    columns.subjects.set(row, spec.subjects);
    columns.firstClassIndex.set(row, spec.firstClassIndex);
    const at = Date.parse(commit.finishedAt);
    finishedAt.set(row, at);
    totalMs.set(row, commit.timingsMs.total ?? 0);
    for (const [stage, ms] of Object.entries(commit.timingsMs)) {
      if (stage === 'total') continue;
      let stageColumn = stagesMs.get(stage);
      if (stageColumn === undefined && stagesMs.size < MAX_STAGES) {
        stageColumn = column(Float32Array);
        stagesMs.set(stage, stageColumn);
      }
      stageColumn?.set(row, ms);
    }
    if (commit.counters.rejected > 0) rejects.set(spec.index, commit.rejectsByCode);
    const name = `${worker.host}\0${worker.pid}\0${worker.device}`;
    let index = workerIndex.get(name);
    if (index === undefined) {
      index = workers.push({ ...worker, shards: 0, faces: 0, lastCommitAt: 0 }) - 1;
      workerIndex.set(name, index);
    }
    workerOf.set(row, index);
    const totals = workers[index]!;
    totals.shards++;
    totals.faces += commit.counters.faces;
    totals.lastCommitAt = Math.max(totals.lastCommitAt, at);
    if (current?.placeOf(spec.index) !== undefined) count(spec.index);
  }

  function count(shard: number): void {
    const row = rowOf[shard]!;
    shardsDone++;
    addCounters(counters, countersAt(row));
    addByCode(rejectsByCode, rejects.get(shard) ?? {});
  }

  /** A new generation replaces shards: what is known of the others stays. */
  function setShards(shards: RunShards): void {
    if (current?.numbers === shards.numbers) return;
    current = shards;
    const grown = new Int32Array(shards.numbers).fill(-1);
    grown.set(rowOf.subarray(0, shards.numbers));
    rowOf = grown;
    shardsDone = 0;
    counters = noCounters();
    rejectsByCode = {};
    for (let row = 0; row < length; row++) {
      const shard = shardOf.get(row);
      if (shards.placeOf(shard) !== undefined) count(shard);
    }
    order = { version: -1, shards: [] };
  }

  const has = (shard: number): boolean => (rowOf[shard] ?? -1) >= 0;
  const countersAt = (row: number): Counters => ({
    faces: columns.faces.get(row),
    ok: columns.ok.get(row),
    rejected: columns.rejected.get(row),
    variants: columns.variants.get(row),
    variantsRejected: columns.variantsRejected.get(row),
  });
  const rowAt = (row: number): CommitRow => ({
    shard: shardOf.get(row),
    ...countersAt(row),
    subjects: columns.subjects.get(row),
    firstClassIndex: columns.firstClassIndex.get(row),
    finishedAt: finishedAt.get(row),
    totalMs: totalMs.get(row),
    worker: workers[workerOf.get(row)]!,
    stagesMs: Object.fromEntries([...stagesMs].map(([stage, values]) => [stage, values.get(row)])),
  });

  return {
    async refresh(shards, signal, onRead) {
      setShards(shards);
      const read = async (shard: number) => ({ shard, commit: await readCommitOf(store, runId, shard) });
      let found = 0;
      for await (const { shard, commit } of mapInOrder(finder.find(shards, has, signal), READS, read)) {
        signal?.throwIfAborted();
        if (commit === undefined || has(shard)) continue;
        add(commit);
        if (++found % 500 === 0) onRead?.();
      }
    },
    get version() {
      return length;
    },
    get shardsDone() {
      return shardsDone;
    },
    get counters() {
      return counters;
    },
    get rejectsByCode() {
      return rejectsByCode;
    },
    rejectsOf: (shard) => rejects.get(shard) ?? {},
    has,
    row: (shard) => (has(shard) ? rowAt(rowOf[shard]!) : undefined),
    *done() {
      const shard = { shard: 0, finishedAt: 0, totalMs: 0, faces: 0, variants: 0 };
      for (let row = 0; row < length; row++) {
        if (current?.placeOf(shardOf.get(row)) === undefined) continue;
        shard.shard = shardOf.get(row);
        shard.finishedAt = finishedAt.get(row);
        shard.totalMs = totalMs.get(row);
        shard.faces = columns.faces.get(row);
        shard.variants = columns.variants.get(row);
        yield shard;
      }
    },
    number(shard, name) {
      const row = rowOf[shard] ?? -1;
      if (row < 0) return undefined;
      if (name === 'finishedAt') return finishedAt.get(row);
      if (name === 'totalMs') return totalMs.get(row);
      return isCount(name) ? columns[name].get(row) : (stagesMs.get(name.slice(STAGE.length))?.get(row) ?? 0);
    },
    stageTotals() {
      const totals = new Map([...stagesMs.keys()].map((stage) => [stage, 0]));
      for (let row = 0; row < length; row++) {
        if (current?.placeOf(shardOf.get(row)) === undefined) continue;
        for (const [stage, values] of stagesMs) totals.set(stage, totals.get(stage)! + values.get(row));
      }
      return totals;
    },
    inOrder() {
      if (order.version !== length && current !== undefined) {
        const shards: number[] = [];
        for (let place = 0; place < current.places; place++) {
          const shard = current.shardAt(place);
          if (has(shard)) shards.push(shard);
        }
        order = { version: length, shards };
      }
      return order.shards;
    },
    get stages() {
      return [...stagesMs.keys()];
    },
    workers,
  };
}

interface Column {
  get(row: number): number;
  set(row: number, value: number): void;
}

/** A column that grows. */
function column(Values: typeof Uint32Array | typeof Float32Array | typeof Float64Array): Column {
  let values = new Values(256);
  return {
    get: (row) => values[row] ?? 0,
    set(row, value) {
      if (row >= values.length) {
        const grown = new Values(Math.max(row + 1, 2 * values.length));
        grown.set(values);
        values = grown;
      }
      values[row] = value;
    },
  };
}

/**
 * Where the people of a run look, before and after: for each pose, the share of people who have a face there. Counted
 * over a sample of shards that stays the same as long as they do, so that a run of 100,000 shards costs no more than a
 * small one. Somebody whose photographs came in several generations is counted once, with all of them.
 */
import pLimit from 'p-limit';
import { POSE_BINS, poseBin } from '../../shared/poseBins.ts';
import type { CommitLog } from './commitLog.ts';
import type { RunPeople } from './people.ts';
import type { PoseRow, ShardFiles } from './shardFiles.ts';

/** Tables of poses that are read, of those shards and of later ones with photographs of the same people. */
const SAMPLE_SHARDS = 32;

/** Tables read at the same time. */
const READS = 4;

/** People with at least one face in each bin. */
export interface PoseCounts {
  readonly people: number;
  /** POSE_BINS numbers: with their photographs alone. */
  readonly before: Uint32Array;
  /** With the variants too. */
  readonly after: Uint32Array;
}

export interface RunCoverage extends PoseCounts {
  /** Shards whose people were counted, of all with the first photographs of somebody. */
  readonly shards: number;
  readonly shardsDone: number;
  /** Means over the people counted, by the run's own measure: of the poses that its model can generate. */
  readonly meanBefore: number;
  readonly meanAfter: number;
}

export interface CoverageReader {
  /** Undefined while nothing is committed. */
  read(): Promise<RunCoverage | undefined>;
}

interface ShardCoverage extends PoseCounts {
  readonly sumBefore: number;
  readonly sumAfter: number;
  /** Tables of poses that it took. */
  readonly tables: number;
}

export function openCoverage(log: CommitLog, people: RunPeople, files: ShardFiles): CoverageReader {
  /** By the shards that it takes: an append may add one. */
  const counted = new Map<string, Promise<ShardCoverage>>();
  const limit = pLimit(READS);
  let last: { readonly version: number; readonly result: Promise<RunCoverage | undefined> } | undefined;

  /** Of the people whose first photographs are in a shard. */
  async function shardCoverage(shard: number): Promise<readonly [key: string, ShardCoverage]> {
    const subjects = await people.ofShard(shard);
    const tables = [...new Set([shard, ...subjects.flatMap(({ shards }) => shards)])];
    const key = tables.join();
    const before = counted.get(key);
    if (before !== undefined) return [key, await before];
    const ids = new Set(subjects.map(({ subjectId }) => subjectId));
    const sum = (of: (row: (typeof subjects)[number]) => number) =>
      subjects.reduce((total, row) => total + of(row), 0);
    const counting = Promise.all(tables.map((table) => limit(() => files.poses(table)))).then((poses) => ({
      ...countPeopleByPose(poses.flat().filter(({ subjectId }) => ids.has(subjectId))),
      sumBefore: sum(({ poseCoverageBefore }) => poseCoverageBefore),
      sumAfter: sum(({ poseCoverageAfter }) => poseCoverageAfter),
      tables: tables.length,
    }));
    counting.catch(() => counted.delete(key));
    counted.set(key, counting);
    return [key, await counting];
  }

  async function count(): Promise<RunCoverage | undefined> {
    const done = await people.firstShards();
    const kept = new Set<string>();
    const parts: ShardCoverage[] = [];
    let tables = 0;
    const sample = sampleOf(done, SAMPLE_SHARDS);
    for (let i = 0; i < sample.length && tables < SAMPLE_SHARDS; i += READS) {
      for (const [key, part] of await Promise.all(sample.slice(i, i + READS).map(shardCoverage))) {
        kept.add(key);
        parts.push(part);
        tables += part.tables;
      }
    }
    if (parts.length === 0) return undefined;
    for (const key of counted.keys()) if (!kept.has(key)) counted.delete(key);
    const sum = (of: (part: ShardCoverage) => number) => parts.reduce((total, part) => total + of(part), 0);
    const add = (of: (part: ShardCoverage) => Uint32Array) =>
      Uint32Array.from({ length: POSE_BINS }, (_, bin) => sum((part) => of(part)[bin]!));
    const peopleCounted = sum((part) => part.people);
    return {
      shards: parts.length,
      shardsDone: done.length,
      people: peopleCounted,
      before: add(({ before }) => before),
      after: add(({ after }) => after),
      meanBefore: sum(({ sumBefore }) => sumBefore) / peopleCounted,
      meanAfter: sum(({ sumAfter }) => sumAfter) / peopleCounted,
    };
  }

  return {
    read() {
      if (last?.version !== log.version) last = { version: log.version, result: count() };
      const { result } = last;
      // The store may answer the next time.
      result.catch(() => {
        last = undefined;
      });
      return result;
    },
  };
}

/** Of one table's rows. People without a real face do not count. */
function countPeopleByPose(rows: readonly PoseRow[]): PoseCounts {
  const people = new Map<string, { readonly real: Set<number>; readonly any: Set<number> }>();
  for (const row of rows) {
    if (row.pose === undefined) continue;
    let person = people.get(row.subjectId);
    if (person === undefined) {
      person = { real: new Set(), any: new Set() };
      people.set(row.subjectId, person);
    }
    const bin = poseBin(row.pose);
    person.any.add(bin);
    if (row.kind === 'real') person.real.add(bin);
  }
  const before = new Uint32Array(POSE_BINS);
  const after = new Uint32Array(POSE_BINS);
  for (const { real, any } of people.values()) {
    for (const bin of real) before[bin]! += 1;
    for (const bin of any) after[bin]! += 1;
  }
  return { people: people.size, before, after };
}

/** Those with the smallest hashes: when shards are added, most of the sample stays. */
function sampleOf(shards: readonly number[], size: number): number[] {
  if (shards.length <= size) return [...shards];
  return shards
    .map((shard) => ({ shard, hash: hashOf(shard) }))
    .sort((a, b) => a.hash - b.hash || a.shard - b.shard)
    .slice(0, size)
    .map(({ shard }) => shard);
}

/** Spreads neighbouring numbers over 32 bits (the finaliser of MurmurHash3). */
function hashOf(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Where the people of a run look, before and after: for each pose, the share of people who have a face there. Counted over
 * a sample of shards that stays the same as long as they do, so that a run of 100,000 shards costs no more than a small one.
 */
import pLimit from 'p-limit';
import { POSE_BINS, poseBin } from '../../shared/poseBins.ts';
import type { CommitLog } from './commitLog.ts';
import type { PoseRow, ShardFiles } from './shardFiles.ts';

/** Shards that are counted. */
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
}

export function openCoverage(log: CommitLog, files: ShardFiles): CoverageReader {
  const counted = new Map<number, Promise<ShardCoverage>>();
  const limit = pLimit(READS);
  let last: { readonly version: number; readonly result: Promise<RunCoverage | undefined> } | undefined;

  function shardCoverage(shard: number): Promise<ShardCoverage> {
    const before = counted.get(shard);
    if (before !== undefined) return before;
    const counting = limit(async () => {
      const [poses, subjects] = await Promise.all([files.poses(shard), files.subjects(shard)]);
      const sum = (of: (row: (typeof subjects)[number]) => number) =>
        subjects.reduce((total, row) => total + of(row), 0);
      return {
        ...countPeopleByPose(poses),
        sumBefore: sum(({ poseCoverageBefore }) => poseCoverageBefore),
        sumAfter: sum(({ poseCoverageAfter }) => poseCoverageAfter),
      };
    });
    counting.catch(() => counted.delete(shard));
    counted.set(shard, counting);
    return counting;
  }

  async function count(): Promise<RunCoverage | undefined> {
    const done = log.inOrder();
    const sample = sampleOf(done, SAMPLE_SHARDS);
    if (sample.length === 0) return undefined;
    const parts = await Promise.all(sample.map(shardCoverage));
    for (const shard of counted.keys()) if (!sample.includes(shard)) counted.delete(shard);
    const people = parts.reduce((sum, part) => sum + part.people, 0);
    const add = (of: (part: ShardCoverage) => Uint32Array) =>
      Uint32Array.from({ length: POSE_BINS }, (_, bin) =>
        parts.reduce((sum, part) => sum + of(part)[bin]!, 0),
      );
    return {
      shards: sample.length,
      shardsDone: done.length,
      people,
      before: add(({ before }) => before),
      after: add(({ after }) => after),
      meanBefore: parts.reduce((sum, part) => sum + part.sumBefore, 0) / people,
      meanAfter: parts.reduce((sum, part) => sum + part.sumAfter, 0) / people,
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
export function countPeopleByPose(rows: readonly PoseRow[]): PoseCounts {
  const people = new Map<string, { readonly real: Set<number>; readonly any: Set<number> }>();
  for (const row of rows) {
    let person = people.get(row.subjectId);
    if (person === undefined) {
      person = { real: new Set(), any: new Set() };
      people.set(row.subjectId, person);
    }
    const bin = poseBin(row);
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

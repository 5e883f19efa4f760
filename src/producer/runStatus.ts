/** How far a run is: from the commits in its store, and from Redis where one answers. */
import type { Redis } from 'ioredis';
import { removeSilentWorkers, type WorkerEntry } from '../shared/redis/liveWorkers.ts';
import { type QueueDepth, readFailedShards, readQueueDepth, type ShardQueue } from '../shared/redis/queue.ts';
import { isListed } from '../shared/redis/runList.ts';
import { isFinished, isMissing } from '../shared/run/committedShards.ts';
import type { Generation } from '../shared/run/generationFile.ts';
import { readPause } from '../shared/run/pause.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import type { RunTally } from '../shared/run/runTally.ts';
import type { Counters } from '../shared/run/shardCommit.ts';
import { readShardFailures } from '../shared/run/shardFailure.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { type RunState, stateOf } from './runState.ts';

export interface RunStatus {
  readonly runId: string;
  readonly out: string;
  readonly state: RunState;
  readonly shardsDone: number;
  readonly shardsTotal: number;
  readonly facesTotal: number;
  /** What came after the plan, in order. */
  readonly generations: readonly GenerationStatus[];
  readonly counters: Counters;
  readonly rejectsByCode: Readonly<Record<string, number>>;
  /** ISO 8601; present in the state 'paused'. */
  readonly pausedSince?: string;
  /** By the notes in OUT: shards that were given up and are not committed; the first of them, by number. */
  readonly failures: readonly { readonly shard: number; readonly code: string; readonly reason: string }[];
  /** Absent when no Redis was asked. */
  readonly queue?: QueueStatus;
}

export interface GenerationStatus {
  readonly generation: number;
  readonly kind: Generation['kind'];
  readonly createdAt: string;
  readonly shards: number;
  /** Of an append: new photographs, and people without an earlier one. */
  readonly added?: { readonly faces: number; readonly subjects: number };
}

export interface QueueStatus extends QueueDepth {
  /** Workers without OUT find the run. */
  readonly listed: boolean;
  /** In Redis, by BullMQ or a board of it: no worker gets a shard. */
  readonly paused: boolean;
  readonly workers: readonly WorkerEntry[];
}

/** Failed shards shown by name. */
const SHOWN_FAILURES = 10;

export async function readRunStatus(
  run: RunFile,
  store: ObjectStore,
  tally: RunTally,
  shards: RunShards,
  dispatch: { readonly redis: Redis; readonly queue: ShardQueue } | undefined,
  signal?: AbortSignal,
): Promise<RunStatus> {
  await tally.refresh(signal);
  const allCommitted = tally.shardsDone === shards.places;
  // A commit may be lost afterwards.
  const finished = allCommitted && (await isFinished(store));
  const pause = finished ? undefined : await readPause(store, run.runId);
  const noted = allCommitted ? [] : await readShardFailures(store, run.runId, signal);
  const isOpen = (shard: number) => isMissing(shards, tally, shard);
  const failures = noted.filter(({ shard }) => isOpen(shard));
  const queue = dispatch && (await readQueueStatus(run.runId, dispatch.redis, dispatch.queue, isOpen));
  return {
    runId: run.runId,
    out: store.uri,
    state: stateOf({
      finished,
      paused: pause !== undefined,
      queue: queue && { ...queue, workers: queue.workers.length },
      failures: failures.length,
      missing: shards.places - tally.shardsDone,
    }),
    shardsDone: tally.shardsDone,
    shardsTotal: shards.places,
    facesTotal: shards.faces,
    generations: shards.generations.map(describeGeneration),
    counters: { ...tally.counters },
    rejectsByCode: { ...tally.rejectsByCode },
    failures: failures
      .slice(0, SHOWN_FAILURES)
      .map(({ shard, code, message }) => ({ shard, code, reason: message })),
    ...(pause && { pausedSince: pause.since }),
    ...(queue && { queue }),
  };
}

function describeGeneration(generation: Generation): GenerationStatus {
  const { kind, createdAt } = generation;
  const facts = { generation: generation.generation, kind, createdAt };
  if (generation.kind === 'retry') return { ...facts, shards: generation.replaces.length };
  const { faces, subjects } = generation.added;
  return { ...facts, shards: generation.shards, added: { faces, subjects } };
}

async function readQueueStatus(
  runId: string,
  redis: Redis,
  queue: ShardQueue,
  isOpen: (shard: number) => boolean,
): Promise<QueueStatus> {
  const depth = await readQueueDepth(queue);
  // Without those that were replaced since, or committed by another attempt.
  const failed = depth.failed === 0 ? [] : (await readFailedShards(queue)).filter(isOpen);
  const listed = await isListed(redis, runId);
  const paused = await queue.isPaused();
  return {
    ...depth,
    failed: failed.length,
    listed,
    paused,
    workers: await removeSilentWorkers(redis, runId),
  };
}

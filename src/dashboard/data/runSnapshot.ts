/**
 * What the page says of a run at one moment. Pure: made of what the last look saw, of the commits read so far and of
 * the time.
 */
import { type RunState, stateOf } from '../../producer/runState.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import type { Counters } from '../../shared/run/shardCommit.ts';
import type { CommitLog } from './commitLog.ts';
import type { FailedShards } from './failureNotes.ts';
import { generationOfShard, type ListedGeneration, listedGenerations } from './generationList.ts';
import { type OverallPace, overallPace, type Pace, recentPace, throughputBins } from './pace.ts';
import type { QueueView } from './redisLink.ts';

/**
 * No commit for so long, and for so many times as the longest shard took: nobody works on it, as far as one can see.
 */
const QUIET_MS = 120_000;
const QUIET_SHARDS = 5;

/** Pieces of time in the plot of the throughput. */
const BINS = 90;

export interface Throughput {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Faces a second in equal pieces of the time. */
  readonly facesPerSecond: readonly number[];
}

export type RedisState =
  | { readonly status: 'not asked' }
  | { readonly status: 'away'; readonly label: string }
  | { readonly status: 'answers'; readonly label: string; readonly queue: QueueView };

/** What the last look saw beside the commits. */
export interface Seen {
  /** The shards that make up the run now. */
  readonly shards: RunShards;
  /** The manifest is in place. */
  readonly finished: boolean;
  /** ISO 8601; while paused. */
  readonly pausedSince: string | undefined;
  readonly failed: FailedShards;
  /** The commits that were there when the page started are still being read. */
  readonly reading: boolean;
  /** Why the store could not be read just now: the rest is from before. */
  readonly trouble: string | undefined;
  readonly redis: RedisState;
}

export interface RunSnapshot extends Pick<Seen, 'pausedSince' | 'failed' | 'reading' | 'trouble' | 'redis'> {
  /** When it was taken, milliseconds since 1970. */
  readonly at: number;
  readonly state: RunState;
  readonly shardsDone: number;
  readonly shardsTotal: number;
  readonly counters: Readonly<Counters>;
  /** Of all generations, as are the people. */
  readonly facesTotal: number;
  readonly peopleTotal: number;
  readonly rejectsByCode: Readonly<Record<string, number>>;
  /** Of the last shards; of a complete run, of all of it. */
  readonly pace: Pace | undefined;
  /** At work so far, without the time between generations, in milliseconds. */
  readonly workMs: number | undefined;
  readonly lastCommitAt: number | undefined;
  /** Seconds to the end at the present pace; undefined when nobody knows. */
  readonly etaSeconds: number | undefined;
  readonly throughput: Throughput | undefined;
  readonly stageTotals: ReadonlyMap<string, number>;
  /** In order; the first is the run as planned. */
  readonly generations: readonly ListedGeneration[];
}

/** @param at milliseconds since 1970. */
export function takeSnapshot(
  run: Pick<RunFile, 'createdAt'>,
  log: CommitLog,
  seen: Seen,
  at: number,
): RunSnapshot {
  const { shards, pausedSince, failed, reading, trouble, redis } = seen;
  const overall = overallPace(log.done(), generationOfShard(shards));
  const state = stateOf({
    finished: seen.finished,
    paused: pausedSince !== undefined,
    queue: redis.status === 'answers' ? countQueue(redis.queue) : undefined,
    failures: failed.shards.length,
    missing: shards.places - log.shardsDone,
  });
  const done = state === 'complete' || state === 'finishing';
  const quiet = overall !== undefined && isQuiet(overall, at);
  const pace = done ? overall : recentPace(log.done);
  return {
    at,
    state,
    pausedSince,
    reading,
    trouble,
    shardsDone: log.shardsDone,
    shardsTotal: shards.places,
    counters: { ...log.counters },
    facesTotal: shards.faces,
    peopleTotal: shards.subjects,
    rejectsByCode: { ...log.rejectsByCode },
    failed,
    redis,
    pace,
    workMs: overall?.workMs,
    lastCommitAt: overall?.endedAt,
    etaSeconds: done
      ? 0
      : secondsLeft(shards.faces - log.counters.faces, goesOn(state, quiet) ? pace : undefined),
    throughput: overall && throughputOf(shards, log, overall, done || quiet ? overall.endedAt : at),
    stageTotals: log.stageTotals(),
    generations: listedGenerations(run, shards, log),
  };
}

function countQueue(queue: QueueView) {
  const workers = queue.workers.filter(({ alive }) => alive).length;
  return { ...queue, failed: queue.failed.length, workers };
}

function isQuiet({ endedAt, longestMs }: OverallPace, at: number): boolean {
  return at - endedAt > Math.max(QUIET_MS, QUIET_SHARDS * longestMs);
}

/** Whether somebody works on it, as far as one can see. */
function goesOn(state: RunState, quiet: boolean): boolean {
  return state === 'running' || (state === 'unknown' && !quiet);
}

function secondsLeft(faces: number, pace: Pace | undefined): number | undefined {
  return pace !== undefined && pace.facesPerSecond > 0 ? faces / pace.facesPerSecond : undefined;
}

/** Since the photographs that came last: months may lie between generations. */
function throughputOf(
  { listings }: RunShards,
  log: CommitLog,
  { startedAt, endedAt, spans }: OverallPace,
  until: number,
): Throughput {
  const ofPhotographs = new Set(listings.map(({ generation }) => generation));
  const from = spans.findLast(({ generation }) => ofPhotographs.has(generation))?.startedAt ?? startedAt;
  // The clocks of workers may be ahead of this one.
  const to = Math.max(until, endedAt);
  return { from, to, facesPerSecond: throughputBins(log.done(), from, to, BINS) };
}

/**
 * One run as the page shows it: looked at while somebody is watching, from the commits in its store, and from Redis
 * where one answers. A look that takes long is followed by a longer wait, so that watching a large run on S3 stays
 * cheap.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, IntegrityError } from '../../shared/errors.ts';
import { isFinished, isMissing } from '../../shared/run/committedShards.ts';
import { readRunShards } from '../../shared/run/generations.ts';
import { otherRun } from '../../shared/run/otherRun.ts';
import { readPause } from '../../shared/run/pause.ts';
import { type RunFile, requireRunFile } from '../../shared/run/runFile.ts';
import { type RunShards, runShards } from '../../shared/run/runShards.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { type CommitLog, openCommitLog } from './commitLog.ts';
import { type FailedShards, openFailureNotes } from './failureNotes.ts';
import type { RedisLink } from './redisLink.ts';
import { type RedisState, type RunSnapshot, takeSnapshot } from './runSnapshot.ts';

/** From the end of a look to the next one at least, in milliseconds. */
const LOOK_MS = 2_000;
/** …while nothing can happen any more but a `retry-failed`. */
const FINISHED_LOOK_MS = 10_000;
/** …and so many times as long as the look took, up to the most. */
const LOOK_FACTOR = 4;
const MAX_LOOK_MS = 60_000;

/** A store that has said nothing for so long, in milliseconds, is in trouble, whatever comes of it. */
const SILENCE_MS = 20_000;

/** While many commits are read, between two words about it, in milliseconds. */
const TOLD_MS = 1_000;

export interface RunWatch {
  readonly run: RunFile;
  readonly store: ObjectStore;
  readonly log: CommitLog;
  /** The shards that make up the run now. */
  readonly shards: RunShards;
  readonly snapshot: RunSnapshot;
  /** Looks at once if the last look is old; waits for it, but not long. */
  fresh(): Promise<RunSnapshot>;
  /** Looks at once: something was changed. */
  lookNow(): Promise<void>;
  /** Hears of every look. While anybody listens, the run is looked at again and again. Returns how to stop. */
  listen(listener: (snapshot: RunSnapshot) => void): () => void;
  /** Tells everybody again: something beside the numbers has become known. */
  announce(): void;
  close(): Promise<void>;
}

/** How long a page waits for the numbers of the moment before it shows those of before. */
const PATIENCE_MS = 1_500;

/** @param onReplaced hears of another run that was found in the store in place of this one; nothing is read then. */
export function openRunWatch(
  run: RunFile,
  store: ObjectStore,
  link: RedisLink | undefined,
  onReplaced: (found: RunFile) => void,
  clock: () => number = Date.now,
): RunWatch {
  const log = openCommitLog(store, run.runId);
  const notes = openFailureNotes(store, run.runId);
  const closing = new AbortController();
  const { signal } = closing;
  const listeners = new Set<(snapshot: RunSnapshot) => void>();
  let shards = runShards(run, []);
  let finished = false;
  let pausedSince: string | undefined;
  let failed: FailedShards = { shards: [], notes: [] };
  let reading = true;
  let trouble: string | undefined;
  let redis: RedisState = link ? { status: 'away', label: link.label } : { status: 'not asked' };
  let lookedAt = -Infinity;
  let looking: Promise<void> | undefined;
  let looping: Promise<void> | undefined;
  let wake = new AbortController();
  let snapshot = take();

  function take(): RunSnapshot {
    const seen = { shards, finished, pausedSince, failed, reading, trouble, redis };
    return takeSnapshot(run, log, seen, clock());
  }

  function publish(): void {
    snapshot = take();
    for (const listener of listeners) listener(snapshot);
  }

  async function look(): Promise<void> {
    const slow = setTimeout(() => {
      trouble = `no answer for ${SILENCE_MS / 1_000} s`;
      publish();
    }, SILENCE_MS).unref();
    let toldAt = 0;
    let replaced: RunFile | undefined;
    const onRead = () => {
      slow.refresh();
      // Adding up a hundred thousand shards takes a moment.
      if (performance.now() - toldAt < TOLD_MS) return;
      publish();
      toldAt = performance.now();
    };
    try {
      const queue = link?.look(run.runId);
      const found = await requireRunFile(store);
      if (found.runId !== run.runId) {
        replaced = found;
        throw otherRun(IntegrityError, store, run.runId, found.runId);
      }
      shards = await readRunShards(store, run, signal);
      await log.refresh(shards, signal, onRead);
      reading = false;
      finished = await isFinished(store);
      const open = log.shardsDone < shards.places;
      pausedSince = finished ? undefined : (await readPause(store, run.runId))?.since;
      failed = open ? await notes.look(shards, log.has, signal) : { shards: [], notes: [] };
      trouble = undefined;
      if (link !== undefined) {
        const { label } = link;
        const view = await queue;
        const isOpen = (shard: number) => isMissing(shards, log, shard);
        redis = view
          ? { status: 'answers', label, queue: { ...view, failed: view.failed.filter(isOpen) } }
          : { status: 'away', label };
      }
    } catch (error) {
      if (signal.aborted) return;
      trouble = describeError(error);
    } finally {
      clearTimeout(slow);
    }
    lookedAt = performance.now();
    publish();
    if (replaced !== undefined) onReplaced(replaced);
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function loop(): Promise<void> {
    while (listeners.size > 0 && !signal.aborted) {
      // What is read at the start is not what a look costs.
      const wasReading = reading;
      const began = performance.now();
      await lookOnce();
      const took = wasReading ? 0 : performance.now() - began;
      const least = snapshot.state === 'complete' ? FINISHED_LOOK_MS : LOOK_MS;
      wake = new AbortController();
      const either = AbortSignal.any([signal, wake.signal]);
      await sleep(Math.max(least, Math.min(LOOK_FACTOR * took, MAX_LOOK_MS)), undefined, {
        signal: either,
      }).catch(() => undefined);
    }
  }

  function keepLooking(): void {
    looping ??= loop().finally(() => {
      looping = undefined;
      // Somebody may have come while the last look ended.
      if (listeners.size > 0 && !signal.aborted) keepLooking();
    });
  }

  return {
    run,
    store,
    log,
    get shards() {
      return shards;
    },
    get snapshot() {
      return snapshot;
    },
    async fresh() {
      if (performance.now() - lookedAt > LOOK_MS) {
        await Promise.race([lookOnce(), sleep(PATIENCE_MS, undefined, { ref: false })]);
      }
      return snapshot;
    },
    async lookNow() {
      await looking;
      await lookOnce();
    },
    listen(listener) {
      listeners.add(listener);
      keepLooking();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) wake.abort();
      };
    },
    announce() {
      for (const listener of listeners) listener(snapshot);
    },
    async close() {
      closing.abort(new Error('the dashboard is closing'));
      listeners.clear();
      await looking;
      await looping;
    },
  };
}

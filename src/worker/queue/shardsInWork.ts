/** The shards that a process has in work: how far each is, how long it still takes, and how to stop it. */
import type { ShardPace } from './shardPace.ts';
import { NO_PROGRESS, type ShardProgress, sumProgress } from './shardProgress.ts';

export interface ShardInWork {
  /** Aborted: it is to be handed back. */
  readonly signal: AbortSignal;
  setFaces(faces: number): void;
  add(done: ShardProgress): void;
  done(): ShardProgress;
  elapsedMs(): number;
  end(): void;
}

export interface ShardsInWork {
  start(): ShardInWork;
  size(): number;
  progress(): Iterable<ShardProgress>;
  /** Breaks off those that will not be done within the time. */
  drain(graceMs: number): { readonly finishing: number; readonly handedBack: number };
  /** Breaks off all of them. */
  abort(): void;
}

interface Entry {
  readonly startedAt: number;
  readonly stop: AbortController;
  faces: number;
  done: ShardProgress;
}

export function createShardsInWork(pace: ShardPace): ShardsInWork {
  const entries = new Set<Entry>();
  const abort = (entry: Entry) => entry.stop.abort(new Error('the worker is stopping'));
  return {
    start() {
      const entry: Entry = {
        startedAt: performance.now(),
        stop: new AbortController(),
        faces: 0,
        done: NO_PROGRESS,
      };
      entries.add(entry);
      return {
        signal: entry.stop.signal,
        setFaces(faces) {
          entry.faces = faces;
        },
        add(done) {
          entry.done = sumProgress([entry.done, done]);
        },
        done: () => entry.done,
        elapsedMs: () => performance.now() - entry.startedAt,
        end: () => void entries.delete(entry),
      };
    },
    size: () => entries.size,
    progress: () => [...entries].map(({ done }) => done),
    drain(graceMs) {
      const late = [...entries].filter((entry) => {
        const { faces, done, startedAt } = entry;
        const elapsedMs = performance.now() - startedAt;
        return remainingMs({ faces, facesDone: done.faces, elapsedMs }, pace) > graceMs;
      });
      for (const entry of late) abort(entry);
      return { finishing: entries.size - late.length, handedBack: late.length };
    },
    abort() {
      for (const entry of entries) abort(entry);
    },
  };
}

/**
 * What a shard still takes, by its own pace so far and by those finished before, whichever is longer: its faces may be
 * done while its table is still to be written. 0 where nothing is known: then it is tried.
 */
export function remainingMs(
  shard: { readonly faces: number; readonly facesDone: number; readonly elapsedMs: number },
  pace: ShardPace,
): number {
  const { faces, facesDone, elapsedMs } = shard;
  const byItself = facesDone > 0 ? (elapsedMs * (faces - facesDone)) / facesDone : 0;
  const estimate = pace.estimate(faces);
  return Math.max(byItself, estimate === undefined ? 0 : estimate - elapsedMs);
}

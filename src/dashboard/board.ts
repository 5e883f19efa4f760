/** The runs that a dashboard shows: those named when it was started, or whatever the Redis has work for. */
import { ConfigError, describeError } from '../shared/errors.ts';
import { listRuns } from '../shared/redisRuns.ts';
import { requireRunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/openStore.ts';
import type { RedisLink } from './data/redisLink.ts';
import { openRunView, type RunView } from './runView.ts';

export interface UnreadableRun {
  readonly runId: string;
  readonly reason: string;
}

export interface Board {
  readonly link: RedisLink | undefined;
  views(): readonly RunView[];
  view(runId: string): RunView | undefined;
  /** Runs of the Redis whose OUT cannot be read from here. */
  unreadable(): readonly UnreadableRun[];
  /** Looks for new runs of the Redis, when no OUT was named; not more often than every few seconds. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface BoardOptions {
  readonly outs: readonly string[];
  readonly link: RedisLink | undefined;
  readonly openStore: (out: string) => Promise<ObjectStore>;
  /** How corpora in S3 are reached. */
  readonly corpusS3?: S3Options;
}

/** Between two looks for new runs, in milliseconds. */
const REFRESH_MS = 3_000;

/** Runs of a Redis that are shown at most. */
const MAX_RUNS = 50;

/** @throws ConfigError when a named OUT holds no run, or the same as another. */
export async function openBoard({ outs, link, openStore, corpusS3 = {} }: BoardOptions): Promise<Board> {
  const views = new Map<string, RunView>();
  const unreadable = new Map<string, UnreadableRun>();
  const stores: ObjectStore[] = [];
  let refreshedAt = -Infinity;
  let refreshing: Promise<void> | undefined;

  async function open(out: string): Promise<void> {
    const store = await openStore(out);
    try {
      const run = await requireRunFile(store);
      if (views.has(run.runId)) {
        throw new ConfigError('same-run', 'dashboard: expected different runs, found one of them twice', {
          runId: run.runId,
          out: store.uri,
        });
      }
      views.set(run.runId, openRunView(run, store, link, corpusS3));
      stores.push(store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async function lookForRuns(): Promise<void> {
    const redis = link?.redis;
    if (redis === undefined || outs.length > 0) return;
    // Those that have ended stay on the page: one wants to see how.
    const listed = (await listRuns(redis)).slice(-MAX_RUNS);
    const known = new Set(listed.map(({ runId }) => runId));
    for (const runId of unreadable.keys()) if (!known.has(runId)) unreadable.delete(runId);
    for (const { runId, out } of listed) {
      if (views.has(runId)) continue;
      try {
        await open(out);
        unreadable.delete(runId);
      } catch (error) {
        unreadable.set(runId, { runId, reason: describeError(error) });
      }
    }
  }

  const board: Board = {
    link,
    views: () => [...views.values()],
    view: (runId) => views.get(runId),
    unreadable: () => [...unreadable.values()],
    async refresh() {
      if (Date.now() - refreshedAt < REFRESH_MS) return;
      refreshing ??= lookForRuns().finally(() => {
        refreshedAt = Date.now();
        refreshing = undefined;
      });
      await refreshing;
    },
    async close() {
      for (const view of views.values()) await view.close();
      for (const store of stores) await store.close();
    },
  };
  try {
    for (const out of outs) await open(out);
    await board.refresh();
  } catch (error) {
    await board.close();
    throw error;
  }
  return board;
}

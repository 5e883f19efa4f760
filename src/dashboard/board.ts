/** The runs that a dashboard shows: those named when it was started, or whatever the Redis has work for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, describeError } from '../shared/errors.ts';
import { listRuns, type RunEntry } from '../shared/redis/runList.ts';
import { otherThanNamed, requireRun } from '../shared/run/requireRun.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import type { RedisLink } from './data/redisLink.ts';
import { openRunView, type RunView } from './runView.ts';

export interface UnreadableRun {
  readonly runId: string;
  readonly reason: string;
}

export interface Board {
  readonly link: RedisLink | undefined;
  /** How OUTs in S3 are reached. */
  readonly s3: S3Options;
  views(): readonly RunView[];
  view(runId: string): RunView | undefined;
  /**
   * Runs asked for by their id whose OUT cannot be read from here, has not answered yet, or holds another run by now.
   */
  unreadable(): readonly UnreadableRun[];
  /** Why Redis did not say which runs there are, when no OUT was named: those that are shown were known before. */
  trouble(): string | undefined;
  /**
   * Looks for new runs of the Redis, when no OUT was named; not more often than every few seconds, and waits for
   * little.
   */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface NamedRun {
  readonly out: string;
  /** The run that OUT has to hold; undefined: whichever it is, also when it is another one by and by. */
  readonly runId: string | undefined;
}

export interface BoardOptions {
  readonly named: readonly NamedRun[];
  readonly link: RedisLink | undefined;
  readonly openStore: (out: string) => Promise<ObjectStore>;
  /** How OUTs in S3 are reached, those not shown too. */
  readonly s3?: S3Options;
  /** How corpora in S3 are reached. */
  readonly corpusS3?: S3Options;
}

/** Between two looks for new runs, in milliseconds. */
const REFRESH_MS = 3_000;

/**
 * From the start of a look, in milliseconds: a page does not wait any longer for a Redis or an OUT that says nothing.
 */
const PATIENCE_MS = 1_500;

/** Before a run that could not be read is tried again, in milliseconds. */
const UNREADABLE_MS = 30_000;

/** Runs of a Redis that are shown, and opened at the same time, at most. */
const MAX_RUNS = 50;

/** @throws ConfigError when a named OUT holds no run, the same as another, or not the one that was named. */
export async function openBoard({
  named,
  link,
  openStore,
  s3 = {},
  corpusS3 = {},
}: BoardOptions): Promise<Board> {
  const views = new Map<string, RunView>();
  const unreadable = new Map<string, UnreadableRun>();
  const stores: ObjectStore[] = [];
  const opening = new Set<string>();
  /** When a run that could not be read was tried last. */
  const triedAt = new Map<string, number>();
  let trouble: string | undefined;
  let closed = false;
  let asking = false;
  let lookedAt = -Infinity;
  let looking: Promise<unknown> = Promise.resolve();

  /** @param expected as of `open`. */
  function addView(run: RunFile, store: ObjectStore, expected: string | undefined): void {
    const view = openRunView(run, store, link, corpusS3, (found) => {
      // OUT was emptied and used again: nothing of what is known of the run before holds for it.
      views.delete(run.runId);
      void view.close();
      if (closed) return;
      if (expected !== undefined) {
        // Nobody has asked for the other: its buttons would act on a run that was not named.
        const reason = describeError(otherThanNamed(store, expected, found.runId));
        unreadable.set(expected, { runId: expected, reason });
      } else if (!views.has(found.runId)) addView(found, store, undefined);
    });
    views.set(run.runId, view);
  }

  /** @param expected the run that is asked for by its id; undefined: whichever is there. */
  async function open({ out, runId: expected }: NamedRun): Promise<void> {
    const store = await openStore(out);
    try {
      const run = await requireRun(store, expected);
      if (closed) throw new Error('the dashboard is closing');
      if (views.has(run.runId)) {
        throw new ConfigError('same-run', 'dashboard: expected different runs, found one of them twice', {
          runId: run.runId,
          out: store.uri,
        });
      }
      addView(run, store, expected);
      stores.push(store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Undefined: Redis does not say. */
  async function askRedis(redis: RedisLink['redis']): Promise<readonly RunEntry[] | undefined> {
    trouble = 'it does not answer';
    if (redis === undefined) return undefined;
    asking = true;
    try {
      // Those that have ended stay on the page: one wants to see how.
      const listed = (await listRuns(redis)).slice(-MAX_RUNS);
      trouble = undefined;
      return listed;
    } catch (error) {
      trouble = describeError(error);
      return undefined;
    } finally {
      asking = false;
    }
  }

  async function lookForRuns(redis: RedisLink['redis']): Promise<void> {
    const listed = await askRedis(redis);
    if (listed === undefined) return;
    const known = new Set(listed.map(({ runId }) => runId));
    for (const runId of unreadable.keys()) if (!known.has(runId)) unreadable.delete(runId);
    const due = ({ runId }: RunEntry): boolean =>
      !views.has(runId) &&
      !opening.has(runId) &&
      performance.now() - (triedAt.get(runId) ?? -Infinity) >= UNREADABLE_MS;
    await Promise.all(listed.filter(due).map(tryToOpen));
  }

  async function tryToOpen({ runId, out }: RunEntry): Promise<void> {
    opening.add(runId);
    if (!unreadable.has(runId)) unreadable.set(runId, { runId, reason: `${out} has not answered yet` });
    try {
      await open({ out, runId });
      unreadable.delete(runId);
    } catch (error) {
      unreadable.set(runId, { runId, reason: describeError(error) });
    }
    opening.delete(runId);
    triedAt.set(runId, performance.now());
  }

  const board: Board = {
    link,
    s3,
    views: () => [...views.values()],
    view: (runId) => views.get(runId),
    unreadable: () => [...unreadable.values()],
    trouble: () => trouble,
    async refresh() {
      if (link === undefined || named.length > 0) return;
      if (!asking && performance.now() - lookedAt >= REFRESH_MS) {
        lookedAt = performance.now();
        looking = lookForRuns(link.redis);
      }
      const left = lookedAt + PATIENCE_MS - performance.now();
      if (left > 0) await Promise.race([looking, sleep(left, undefined, { ref: false })]);
    },
    async close() {
      closed = true;
      for (const view of views.values()) await view.close();
      for (const store of stores) await store.close();
    },
  };
  try {
    for (const run of named) await open(run);
    await board.refresh();
  } catch (error) {
    await board.close();
    throw error;
  }
  return board;
}

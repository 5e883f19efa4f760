/** Which run a worker without OUT takes next, and why it does not take the others that Redis knows. */
import type { Redis } from 'ioredis';
import { ConfigError, describeError, IntegrityError, PosecastError } from '../shared/errors.ts';
import { removeSilentWorkers } from '../shared/redis/liveWorkers.ts';
import { jobsAdded, openShardQueue, type QueueDepth, readQueueDepth } from '../shared/redis/queue.ts';
import { listRuns, type RunEntry } from '../shared/redis/runList.ts';
import { readPause } from '../shared/run/pause.ts';
import { requireThisRun } from '../shared/run/requireThisRun.ts';
import { isPassing } from '../shared/store/isPassing.ts';
import { openStore } from '../shared/store/openStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import type { Say } from '../shared/text/logFields.ts';
import type { RunHereEnd } from './endOfWork.ts';
import { EXIT } from './exit.ts';
import { exitCodeOf, isEarly } from './output/runOutcome.ts';

export interface RunChoice {
  /** The oldest run that may be worked on here and is not paused. */
  next(): Promise<RunEntry | undefined>;
  /** Hears how the work on a run ended. */
  ended(runId: string, end: RunHereEnd): Promise<void>;
  /** Hears what kept the work on a run from beginning or broke it off; throws what is of no run. */
  brokeOff(runId: string, error: unknown): void;
  /** What this machine lacks for a run, such as its corpus, if it lacks anything. */
  lacking(): ConfigError | undefined;
  /** As of the last look, the oldest first, if no run was taken: those that only their pause keeps from it. */
  readonly paused: readonly RunEntry[];
  /** As of the last look: there are runs, and nothing keeps this process from them but their pause. */
  readonly waitsForResume: boolean;
  /** Of a process that ends now. */
  exitCode(): number;
}

/** Why a run is not taken now. */
interface Mark {
  readonly exitCode: number;
  /** Whether it is worth another look. */
  readonly again: () => boolean | Promise<boolean>;
  /** Milliseconds until that look, where looks become rarer. */
  readonly waitMs?: number;
  /** Nothing is left in its queue. */
  readonly hasEnded?: boolean;
  /** Of the error that was said. */
  readonly code?: string;
  readonly lacking?: ConfigError;
}

/** Its OUT was deleted or moved, or is another run's now. */
const GONE = ['no-run', 'other-run'];

/** Between two looks at a run that was skipped. */
const LOOK_AGAIN_MS = 5_000;
/** Between two looks that may load the models, and read every commit, to end in the same way. */
const RAREST_LOOK_MS = 600_000;

/** `now`: milliseconds, only for tests. */
export function createRunChoice(
  redis: Redis,
  s3: S3Options,
  say: Say,
  now: () => number = () => performance.now(),
): RunChoice {
  const marks = new Map<string, Mark>();
  let paused: readonly RunEntry[] = [];

  function later(ms: number): () => boolean {
    const at = now() + ms;
    return () => now() >= at;
  }

  /** Twice as long each time. */
  function longerWait(runId: string): number {
    const before = marks.get(runId)?.waitMs;
    return before === undefined ? LOOK_AGAIN_MS : Math.min(2 * before, RAREST_LOOK_MS);
  }

  function skip(runId: string, error: PosecastError, how: Pick<Mark, 'again' | 'waitMs' | 'lacking'>): void {
    const { code } = error;
    // Said once, and not at every look.
    if (marks.get(runId)?.code !== code) {
      const hint = GONE.includes(code) ? `; to drop it for good: posecast forget ${runId}` : '';
      say(`skipping run ${runId}: ${describeError(error)}${hint}`, { level: 'warn', run: runId, code });
    }
    marks.set(runId, { exitCode: EXIT.failures, code, ...how });
  }

  async function depth(runId: string): Promise<QueueDepth> {
    const queue = openShardQueue(redis, runId, { access: 'read' });
    try {
      return await readQueueDepth(queue);
    } finally {
      await queue.close();
    }
  }

  /** Whether shards were queued since, as `retry-failed` does, and nobody is there who does them. */
  async function needsWorker(runId: string): Promise<boolean> {
    const { waiting, active, delayed, failed } = await depth(runId);
    if (waiting > 0) return true;
    // Whoever takes such a run stays until its last shard has ended. Another worker's shards are not waited for so.
    // Without a failed one, somebody began to queue them anew and did not come to it.
    return (active + delayed > 0 || failed === 0) && (await removeSilentWorkers(redis, runId)).length === 0;
  }

  async function lookAt(entry: RunEntry): Promise<'free' | 'paused' | 'marked'> {
    const mark = marks.get(entry.runId);
    if (mark !== undefined && !(await mark.again())) return 'marked';
    try {
      if (!(await isPaused(entry, s3))) return 'free';
      marks.delete(entry.runId);
      return 'paused';
    } catch (error) {
      // Its OUT cannot be read, or holds another run.
      if (!(error instanceof PosecastError)) throw error;
      skip(entry.runId, error, { again: later(LOOK_AGAIN_MS) });
      return 'marked';
    }
  }

  return {
    async next() {
      const runs = await listRuns(redis);
      const listed = new Set(runs.map(({ runId }) => runId));
      for (const runId of marks.keys()) if (!listed.has(runId)) marks.delete(runId);
      const held: RunEntry[] = [];
      for (const entry of runs) {
        const look = await lookAt(entry);
        if (look === 'paused') held.push(entry);
        if (look !== 'free') continue;
        paused = [];
        return entry;
      }
      paused = held;
      return undefined;
    },
    get paused() {
      return paused;
    },
    get waitsForResume() {
      return paused.length > 0 && [...marks.values()].every(({ hasEnded }) => hasEnded);
    },
    async ended(runId, end) {
      if (!isEarly(end) && end.status !== 'complete') {
        marks.delete(runId);
        return;
      }
      const exitCode = exitCodeOf(end);
      switch (end.status) {
        case 'complete': {
          // On the list as long as Redis refuses to take it off, or photographs have come since.
          const waitMs = longerWait(runId);
          marks.set(runId, { exitCode, hasEnded: true, waitMs, again: later(waitMs) });
          return;
        }
        case 'failed':
          marks.set(runId, { exitCode, hasEnded: true, again: () => needsWorker(runId) });
          return;
        case 'too-many-rejects': {
          const waitMs = longerWait(runId);
          const isDue = later(waitMs);
          const before = await jobsAdded(redis, runId);
          const again = async () => isDue() && (await jobsAdded(redis, runId)) !== before;
          marks.set(runId, { exitCode, waitMs, again });
          return;
        }
        default:
          marks.set(runId, { exitCode, again: () => false });
      }
    },
    brokeOff(runId, error) {
      if (isPassing(error)) skip(runId, error, { again: later(LOOK_AGAIN_MS) });
      else if (error instanceof ConfigError) skip(runId, error, { again: () => false, lacking: error });
      else if (error instanceof IntegrityError) {
        const waitMs = longerWait(runId);
        skip(runId, error, { again: later(waitMs), waitMs });
      } else throw error;
    },
    lacking: () => [...marks.values()].find(({ lacking }) => lacking !== undefined)?.lacking,
    exitCode: () => Math.max(...[...marks.values()].map(({ exitCode }) => exitCode), EXIT.ok),
  };
}

/** Redis may say anything of a run: its OUT decides. */
async function isPaused({ out, runId }: RunEntry, s3: S3Options): Promise<boolean> {
  const store = await openStore(out, { access: 'read', s3 });
  try {
    await requireThisRun(store, runId);
    return (await readPause(store, runId)) !== undefined;
  } finally {
    await store.close();
  }
}

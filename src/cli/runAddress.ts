/** A run as a person names it: by its OUT, or by the id that Redis knows it under. */
import type { Redis } from 'ioredis';
import { ConfigError } from '../shared/errors.ts';
import { listRuns } from '../shared/redisRuns/runList.ts';
import { type RunFile, requireRunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';

/** A run id, as `submit` prints it. */
const RUN_ID = /^\d{8}T\d{6}-[0-9a-f]{6}$/;

export function isRunId(outOrRunId: string): boolean {
  return RUN_ID.test(outOrRunId);
}

/** The run that an address asks for; undefined for an OUT: whichever lies there. */
export function runIdOf(outOrRunId: string): string | undefined {
  return isRunId(outOrRunId) ? outOrRunId : undefined;
}

/**
 * @param redis undefined: none was named, or none answers.
 * @throws ConfigError for an id without a Redis, or one that Redis does not know.
 */
export async function outOf(outOrRunId: string, redis: Redis | undefined): Promise<string> {
  if (!isRunId(outOrRunId)) return outOrRunId;
  if (redis === undefined) {
    throw new ConfigError('no-redis-url', 'RUN_ID: expected a Redis that answers (--redis or REDIS_URL)');
  }
  const found = (await listRuns(redis)).find(({ runId }) => runId === outOrRunId);
  if (found !== undefined) return found.out;
  throw new ConfigError('no-run', 'Redis knows no such run; finished runs are found by their OUT', {
    runId: outOrRunId,
  });
}

/**
 * The run that OUT holds.
 * @param runId the one that it has to be; undefined: whichever it is.
 * @throws ConfigError when OUT holds none, or another: it was deleted and used again since.
 */
export async function requireRun(store: ObjectStore, runId: string | undefined): Promise<RunFile> {
  const run = await requireRunFile(store);
  if (runId === undefined || run.runId === runId) return run;
  throw new ConfigError(
    'other-run',
    `OUT: expected run ${runId}, found another; to have Redis forget the first: posecast forget ${runId}`,
    { out: store.uri, found: run.runId },
  );
}

/** A run as a person names it: by its OUT, or by the id that Redis knows it under. */
import type { Redis } from 'ioredis';
import { ConfigError } from '../../shared/errors.ts';
import { listRuns } from '../../shared/redis/runList.ts';

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

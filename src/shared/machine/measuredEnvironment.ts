/** What a posecast that is measured gets of our environment. */

/**
 * Without the Redis that others use (REDIS_URL): their workers would take shards of it, and its rate would be that of
 * several machines. Without traces (OTEL_…), which cost what is no part of the work.
 */
export function measuredEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name !== 'REDIS_URL' && !name.startsWith('OTEL_')),
  );
}

/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: writes what the process holds, a line a second, to the file
 * that POSECAST_SOAK_PROBE names. The product knows nothing of it.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

export interface ProbeSample {
  /** Seconds since the start of the process. */
  readonly at: number;
  /** Bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  /** Open file descriptors. */
  readonly fds: number;
  /** What keeps the event loop alive, counted by type. */
  readonly resources: Readonly<Record<string, number>>;
}

const file = process.env.POSECAST_SOAK_PROBE;
if (file !== undefined && isMainThread && process.argv[1]?.endsWith('posecast.js')) {
  const sample = (): void => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
    const fds = readdirSync('/proc/self/fd').length;
    const line: ProbeSample = { at: performance.now() / 1000, rss, heapUsed, external, fds, resources };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  };
  setInterval(sample, 1_000).unref();
}

/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: reading a photograph whose path holds `poison` ends the
 * process as a native library does that aborts, or never comes back; or the thread ends that works on it: a model
 * thread on a photograph that ends with `poison`, a table thread on any table. The product knows nothing of it. With
 * POSECAST_TEST_LOCKS, a dead worker's shard is handed out again after a second instead of three quarters of a minute;
 * POSECAST_TEST_DEATHS workers may die with a shard before it is given up.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread, parentPort } from 'node:worker_threads';

const { POSECAST_TEST_POISON: what, POSECAST_TEST_LOCKS: locks, POSECAST_TEST_DEATHS: deaths } = process.env;

/** As far as it is looked at. */
interface ThreadWork {
  readonly batch?: readonly { readonly bytes: Uint8Array }[];
  readonly table?: unknown;
}

if (!isMainThread) {
  parentPort?.on('message', ({ request = {} }: { request?: ThreadWork }) => {
    const photographs = request.batch?.map(({ bytes }) => Buffer.from(bytes.slice(-6)).toString()) ?? [];
    if (what === 'model-thread' && photographs.includes('poison')) throw new Error('poisoned photograph');
    if (what === 'table-thread' && request.table !== undefined) throw new Error('poisoned table');
  });
} else if (process.argv[1]?.endsWith('posecast.js')) {
  const { open } = fs.promises;
  fs.promises.open = (path, ...rest) => {
    if (!String(path).includes('poison')) return open(path, ...rest);
    if (what === 'abort') process.abort();
    return what === 'hang' ? new Promise(() => {}) : open(path, ...rest);
  };
  syncBuiltinESMExports();
  if (locks === 'short') {
    const { WORKER_OPTIONS } = await import('../../src/shared/redis/queue.ts');
    Object.assign(WORKER_OPTIONS, { lockDuration: 1_000, stalledInterval: 500 });
    if (deaths !== undefined) Object.assign(WORKER_OPTIONS, { maxStalledCount: Number(deaths) });
  }
}

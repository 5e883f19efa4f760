/**
 * A copied OUT keeps the run id of its original, and a queue is named by that alone: on one Redis the two would take
 * each other's shards.
 */
import { stat } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { ConfigError } from '../errors.ts';
import { readRunFile } from '../run/runFile.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { openStore } from '../store/openStore.ts';
import type { S3Options } from '../store/storeOptions.ts';
import { listRuns } from './runList.ts';

/**
 * Does nothing for an OUT that was moved, that is reached by another path, or whose run is listed with an OUT that
 * cannot be read here.
 * @param s3 how OUT is reached; the listed one is looked for there too.
 * @throws ConfigError when Redis lists the run of this OUT with another that holds it as well.
 */
export async function refuseCopy(redis: Redis, store: ObjectStore, s3: S3Options): Promise<void> {
  const run = await readRunFile(store);
  if (run === undefined) return;
  const { runId } = run;
  const listed = (await listRuns(redis)).find((entry) => entry.runId === runId);
  if (listed === undefined || listed.out === store.uri) return;
  if ((await runIdAt(listed.out, s3)) !== runId || (await isSameFolder(listed.out, store.uri))) return;
  throw new ConfigError(
    'copied-run',
    `OUT: expected the only one of run ${runId}, found another that holds it on the list of Redis; a copy has the queue ` +
      'of its original: finish the other first, or use another Redis; if the other is not wanted: ' +
      `posecast forget ${runId}`,
    { out: store.uri, found: listed.out },
  );
}

/** Undefined: no run, or nothing that can be read from here. */
async function runIdAt(out: string, s3: S3Options): Promise<string | undefined> {
  try {
    const store = await openStore(out, { access: 'read', s3 });
    try {
      return (await readRunFile(store))?.runId;
    } finally {
      await store.close();
    }
  } catch {
    return undefined;
  }
}

/** One folder may have several paths: by links, or mounted twice. */
async function isSameFolder(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = [await stat(a, { bigint: true }), await stat(b, { bigint: true })];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

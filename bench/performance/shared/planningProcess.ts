/** Lists, plans and queues invented faces in a process of its own, whose memory is what is asked for. */

import { feedRun } from '../../../src/producer/feedRun.ts';
import { writeListing } from '../../../src/producer/writeListing.ts';
import { parseRunConfig } from '../../../src/shared/config.ts';
import { openShardQueue } from '../../../src/shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../../../src/shared/redis/redis.ts';
import type { RunFile } from '../../../src/shared/run/runFile.ts';
import { planKey } from '../../../src/shared/run/runKeys.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import { peakMegabytes, requestOf } from './ownProcess.ts';
import { inventedFaces } from './timerRun.ts';

export interface PlanningRequest {
  readonly out: string;
  readonly redisUrl: string;
  readonly faces: number;
}

export interface PlanningResult {
  readonly shards: number;
  readonly listingBytes: number;
  readonly planBytes: number;
  /** Listing and plan in the store. */
  readonly planSeconds: number;
  /** Every shard handed to the queue, at most the high-water mark ahead of who takes them. */
  readonly feedSeconds: number;
  readonly peakMegabytes: number;
  /** Resident memory of a process that has loaded the code and done nothing. */
  readonly idleMegabytes: number;
}

const FACES_PER_PERSON = 20;

const { out, redisUrl, faces } = requestOf<PlanningRequest>();
const store = await openStore(out);
const redis = await connectRedis(redisUrl);
const config = parseRunConfig({ corpus: '/invented', corpusFormat: 'folder', imageRoot: '/invented' });
const idleMegabytes = await peakMegabytes();
const start = performance.now();
const written = await writeListing(inventedFaces(faces, FACES_PER_PERSON), store, {
  runId: 'planning',
  shardFaces: config.shardFaces,
  shardBytes: config.shardBytes,
  shardSubjects: 2_000,
});
if (written === undefined) throw new Error('no faces');
const planSeconds = (performance.now() - start) / 1000;

const run: RunFile = {
  schemaVersion: 1,
  runId: 'planning',
  createdAt: new Date().toISOString(),
  posecastVersion: 'bench',
  config,
  corpus: written.corpus,
  listing: written.listing,
  shards: written.shards,
  models: {},
  recognizer: { name: 'none', digest: 'none' },
  embeddingDim: 512,
  fra: null,
};
const queue = openShardQueue(redis, run.runId);
const feedStart = performance.now();
await feedRun(run, store, { redis, queue, signal: new AbortController().signal });
const feedSeconds = (performance.now() - feedStart) / 1000;
const result: PlanningResult = {
  shards: written.shards,
  listingBytes: written.listing.reduce((sum, part) => sum + part.bytes, 0),
  planBytes: (await store.head(planKey(run.runId)))?.bytes ?? 0,
  planSeconds,
  feedSeconds,
  peakMegabytes: await peakMegabytes(),
  idleMegabytes,
};
await queue.close();
await closeRedis(redis);
await store.close();
console.log(JSON.stringify(result));

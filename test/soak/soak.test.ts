/**
 * Many small shards through one worker process: what it holds must not grow with what it has done. Some hundred shards
 * in `npm run test:long`; `npm run test:soak` takes 20,000 (POSECAST_SOAK_SHARDS).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Redis } from 'ioredis';
import { startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import type { ProbeSample } from './probe.ts';
import { makeSmallShards } from './smallShards.ts';

const SHARDS = Number(process.env.POSECAST_SOAK_SHARDS ?? 300);
/** A short soak shows leaks of handles and keys; only a long one can show that memory is flat. */
const LONG = SHARDS >= 5_000;

interface Sample extends ProbeSample {
  readonly shardsDone: number;
}

test(
  `${SHARDS} small shards leave a worker process and its Redis as they were`,
  { timeout: 3_600_000 },
  (t) =>
    withRedis(async ({ url, redis }) => {
      // Files in memory where there is such a folder: this is about the worker, not about the disk.
      const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'posecast-soak-'));
      try {
        const { corpus, env, options } = await makeSmallShards(folder, SHARDS);
        const out = join(folder, 'out');
        const probe = join(folder, 'probe');
        const before = await usedMemory(redis);
        const submitting = startPosecast(['submit', corpus, out, ...options], { ...env, REDIS_URL: url });
        await untilWorkWaits(redis, submitting.done);
        const worker = startPosecast(['work', out, '--threads', '1'], {
          ...env,
          REDIS_URL: url,
          POSECAST_SOAK_PROBE: probe,
          NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'probe.js')).href}`,
        });
        const samples: Sample[] = [];
        let peak = 0;
        let keysAtMost = 0;
        while (worker.child.exitCode === null && worker.child.signalCode === null) {
          await sleep(LONG ? 5_000 : 1_000);
          peak = Math.max(peak, await usedMemory(redis));
          keysAtMost = Math.max(keysAtMost, await redis.dbsize());
          const last = (await readFile(probe, 'utf8').catch(() => '')).trim().split('\n').at(-1);
          if (last)
            samples.push({ ...(JSON.parse(last) as ProbeSample), shardsDone: await shardsDone(redis) });
        }
        const [worked, submitted] = await Promise.all([worker.done, submitting.done]);
        assert.equal(submitted.code, 0, submitted.stderr);
        assert.equal(worked.code, 0, worked.stderr);

        const settled = samples.filter(
          (sample) => sample.shardsDone >= 0.2 * SHARDS && sample.shardsDone < SHARDS,
        );
        for (const line of table(settled)) t.diagnostic(line);
        t.diagnostic(
          `redis: ${kB(before)} before, ${kB(peak)} at most (${keysAtMost} keys), ${kB(await usedMemory(redis))} after`,
        );
        t.diagnostic(
          `worker: ${worked.seconds.toFixed(0)} s, ${(SHARDS / worked.seconds).toFixed(0)} shards/s`,
        );
        checkProcess(settled);
        assert.ok(peak - before <= REDIS_BYTES(SHARDS), `Redis held ${kB(peak - before)} more than before`);
        await checkKeysLeft(redis);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
);

/**
 * The bound of docs/performance.md, in bytes, with half a megabyte to spare: 2,000 waiting and 1,000 finished jobs at
 * most.
 */
const REDIS_BYTES = (shards: number) => 2_000_000 + 1_300 * Math.min(shards, 3_000);

function checkProcess(settled: readonly Sample[]): void {
  assert.ok(settled.length >= 3, `only ${settled.length} samples`);
  const first = settled[0]!;
  const last = settled.at(-1)!;
  // What is open comes and goes with the shards in work: a leak would be thousands.
  assert.ok(last.fds <= first.fds + 12, `${first.fds} files were open, now ${last.fds}`);
  for (const [type, count] of Object.entries(last.resources)) {
    const allowed = Math.max(...settled.slice(0, 3).map(({ resources }) => resources[type] ?? 0)) + 12;
    assert.ok(count <= allowed, `${count} of ${type}, before ${allowed - 12}`);
  }
  if (!LONG) return;
  // Means of tenths: single samples swing with the garbage collector.
  const means = tenths(settled).map((tenth) => mean(tenth.map(({ rss }) => rss)));
  for (const value of means) {
    const change = value / means[0]! - 1;
    assert.ok(change <= 0.1, `resident memory grew by ${(100 * change).toFixed(1)} %`);
  }
}

/** After the run every key is gone or has an end. */
async function checkKeysLeft(redis: Redis): Promise<void> {
  for (const key of await redis.keys('*')) {
    // -1: no end; -2: it ended meanwhile.
    assert.notEqual(await redis.pttl(key), -1, `${key} stays for ever`);
  }
}

function tenths(samples: readonly Sample[]): Sample[][] {
  return Array.from({ length: 10 }, (_, i) =>
    samples.slice(Math.floor((i * samples.length) / 10), Math.floor(((i + 1) * samples.length) / 10)),
  ).filter((tenth) => tenth.length > 0);
}

function table(samples: readonly Sample[]): string[] {
  return tenths(samples).map((tenth) => {
    const { shardsDone, fds, resources } = tenth.at(-1)!;
    const rss = mean(tenth.map((sample) => sample.rss)) / 2 ** 20;
    const heap = mean(tenth.map(({ heapUsed }) => heapUsed)) / 2 ** 20;
    const handles = Object.values(resources).reduce((sum, count) => sum + count, 0);
    return `${shardsDone} shards: ${rss.toFixed(1)} MB resident, ${heap.toFixed(1)} MB heap, ${fds} files, ${handles} handles`;
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const kB = (bytes: number) => `${(bytes / 1e3).toFixed(0)} kB`;

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1] ?? 0);
}

async function shardsDone(redis: Redis): Promise<number> {
  for (const key of await redis.keys('posecast:*:progress'))
    return Number(await redis.hget(key, 'shardsDone'));
  return 0;
}

async function untilWorkWaits(
  redis: Redis,
  ended: Promise<{ code: number | null; stderr: string }>,
): Promise<void> {
  const failed = ended.then(({ code, stderr }) => {
    assert.equal(code, 0, stderr);
  });
  while ((await redis.keys('bull:*:wait')).length === 0) await Promise.race([sleep(100), failed]);
}

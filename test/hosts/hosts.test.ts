/** Workers on several hosts, and a network between them that breaks. Each host is a network namespace. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue, parseShardJob, WORKER_OPTIONS } from '../../src/shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../../src/shared/redis/redis.ts';
import { requireRunFile } from '../../src/shared/run/runFile.ts';
import { readShardCommit, type ShardCommit } from '../../src/shared/run/shardCommit.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { assertSameRun } from '../faults/compareRuns.ts';
import { sharedTinyCorpus } from '../faults/corpora.ts';
import { committed, untilCommitted } from '../faults/fleet.ts';
import { type CliProcess, startPosecast } from '../helpers/cli.ts';
import { CREDENTIALS, withEnvironment } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { startWatched, type WatchedProcess } from '../helpers/watchedProcess.ts';
import { type Host, type Network, openNetwork } from './network.ts';

const HERE = process.env.POSECAST_HOSTS === 'full';
const OPTIONS = { skip: HERE ? false : 'only in npm run test:hosts', timeout: 900_000 };

/** A shard takes a worker a second or two, nearly all of it spent waiting for the store. */
const SHARDS = 400;
const STORE_MS = 1_500;
/** Until the queue gives a lost worker's shards to others, with the waits of life. */
const HANDED_OUT_AGAIN_MS = WORKER_OPTIONS.lockDuration + WORKER_OPTIONS.stalledInterval;

const tiny = HERE ? sharedTinyCorpus(SHARDS) : undefined;
let network: Network | undefined;
before(async () => {
  if (HERE) network = await openNetwork();
});

interface Fleet {
  readonly queueHost: Host;
  readonly storeHost: Host;
  readonly workerHosts: readonly Host[];
  readonly producer: CliProcess;
  /** In the order of their hosts. */
  readonly workers: readonly CliProcess[];
  /** The store as the test sees it. */
  readonly direct: ObjectStore;
  /** Shards that have been in work since before this moment. */
  inWorkSince(time: number): Promise<number[]>;
}

/**
 * Redis on one host, an S3 service on another, a producer on a third that waits for the end, a worker on each of three
 * more; `disturb` is called when all of them are at work. Then the run must end as if nothing had been.
 */
async function withFleet(name: string, disturb: (fleet: Fleet) => Promise<void>): Promise<void> {
  const net = network!;
  const corpus = tiny!();
  const hostOf = (role: string) => net.addHost(`${name}-${role}`);
  const services: WatchedProcess[] = [];
  const started: CliProcess[] = [];
  await withTempFolder(async (folder) => {
    try {
      const queueHost = await hostOf('queue');
      const redisUrl = `redis://${queueHost.address}:6379`;
      const bind = ['--bind', queueHost.address, '--protected-mode', 'no', '--port', '6379', '--dir', folder];
      services.push(startOn(queueHost, 'redis-server', join(packageRoot, 'infra', 'redis.conf'), ...bind));

      const storeHost = await hostOf('store');
      const script = join(import.meta.dirname, 'storeHost.js');
      const service = startOn(storeHost, process.execPath, script, storeHost.address, String(STORE_MS));
      services.push(service);
      const { endpoint, bucket } = await announcement(service);
      const out = `s3://${bucket}/run`;

      const env = { ...corpus.env, ...CREDENTIALS, REDIS_URL: redisUrl, AWS_ENDPOINT_URL_S3: endpoint };
      const start = (host: Host, ...args: string[]) => {
        const process = startPosecast(args, env, host.through);
        started.push(process);
        return process;
      };
      const producer = start(
        await hostOf('producer'),
        'submit',
        corpus.corpus,
        out,
        ...corpus.options,
        '--wait',
      );
      await withEnvironment(CREDENTIALS, async () => {
        const direct = await openStore(out, { access: 'read', s3: { endpoint } });
        const redis = await connectRedis(redisUrl);
        try {
          while (!producer.output().includes(`queued ${SHARDS} of ${SHARDS}`)) {
            assert.equal(producer.child.exitCode, null, producer.output());
            await sleep(100);
          }
          const { runId } = await requireRunFile(direct);
          const queue = openShardQueue(redis, runId);
          const workerHosts = [await hostOf('a'), await hostOf('b'), await hostOf('c')];
          const workers = workerHosts.map((host) => start(host, 'work', out, '--threads', '1'));
          await untilCommitted(direct, 30, workers[0]!);
          await disturb({
            queueHost,
            storeHost,
            workerHosts,
            producer,
            workers,
            direct,
            async inWorkSince(time) {
              const active = await queue.getActive();
              return active
                .filter(({ processedOn }) => processedOn !== undefined && processedOn < time)
                .map(({ data }) => parseShardJob(data).index);
            },
          });
          for (const process of [producer, ...workers]) {
            const { code, stdout, stderr } = await process.done;
            assert.equal(code, 0, stdout + stderr);
          }
          await queue.close();
          await assertSameRun(direct, corpus.expected);
        } finally {
          await closeRedis(redis);
          await direct.close();
        }
      });
    } catch (error) {
      console.error(started.map((process) => process.output().slice(-3_000)).join('\n---\n'));
      throw error;
    } finally {
      for (const { child } of started) child.kill('SIGKILL');
      for (const service of services) await service.stop();
    }
  });
}

test(
  'a worker host without network for a minute loses its shards to others, comes back and goes on',
  OPTIONS,
  () =>
    withFleet('1', async ({ workerHosts, workers, direct, inWorkSince }) => {
      const [, , lost] = workerHosts;
      const [, , worker] = workers;
      const cutAt = Date.now();
      await lost!.cut();
      // The others have finished by then what they had in work.
      await sleep(15_000);
      const held = await inWorkSince(cutAt);
      assert.ok(held.length > 0, 'the lost worker had shards in work');
      await sleep(cutAt + HANDED_OUT_AGAIN_MS + 15_000 - Date.now());

      const others = new Set(workerHosts.slice(0, 2).map(({ name }) => name));
      for (const shard of held) {
        const commit = await readShardCommit(direct, shard);
        assert.ok(commit !== undefined, `shard ${shard} was done by another while its host was away`);
        assert.ok(others.has(commit.worker.host), `shard ${shard} is by ${commit.worker.host}`);
      }
      assert.equal(
        (await commitsOf(direct, lost!)).filter(({ finishedAt }) => Date.parse(finishedAt) > cutAt + 5_000)
          .length,
        0,
      );

      const backAt = Date.now();
      await lost!.plugIn();
      const left = SHARDS - (await committed(direct)).length;
      assert.ok(
        left > 100,
        `${left} shards are left for a worker that comes back: too few to see it at work`,
      );
      await worker!.done;
      const later = (await commitsOf(direct, lost!)).filter(
        ({ finishedAt }) => Date.parse(finishedAt) > backAt,
      );
      assert.ok(later.length > 5, `the host that came back did ${later.length} shards`);
      assert.equal(new Set(later.map(({ worker }) => worker.pid)).size, 1);
    }),
);

test(
  'Redis and the store on hosts without network for half a minute are waited for by everyone',
  OPTIONS,
  () =>
    withFleet('2', async ({ queueHost, storeHost, workers, direct }) => {
      await queueHost.cut();
      await storeHost.cut();
      await sleep(35_000);
      for (const { child, output } of workers) assert.equal(child.exitCode, null, output());
      await queueHost.plugIn();
      await storeHost.plugIn();
      assert.ok((await committed(direct)).length < SHARDS);
    }),
);

async function commitsOf(direct: ObjectStore, host: Host): Promise<ShardCommit[]> {
  const commits: ShardCommit[] = [];
  for (const shard of await committed(direct)) {
    const commit = await readShardCommit(direct, shard);
    if (commit?.worker.host === host.name) commits.push(commit);
  }
  return commits;
}

function startOn(host: Host, ...command: string[]): WatchedProcess {
  const [program = '', ...args] = [...host.through, ...command];
  return startWatched(program, args);
}

/** The JSON object that a service prints when it is there; Node may have printed warnings before. */
async function announcement(process: WatchedProcess): Promise<Record<string, string>> {
  while (true) {
    const line = process.output().match(/^\{.*\}$/m);
    if (line !== null) return JSON.parse(line[0]);
    assert.equal(process.ended, false, process.output());
    await sleep(50);
  }
}

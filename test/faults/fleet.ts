/** A submitted run with a Redis and an S3 service or folder of its own, for tests that disturb it in one stated way. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { committedShards } from '../../src/shared/run/committedShards.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { type CliProcess, type CliResult, startPosecast } from '../helpers/cli.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import type { FaultCorpus } from './corpora.ts';
import { faultEnv } from './faultEnv.ts';
import { type FaultProxy, startFaultProxy } from './faultProxy.ts';
import { type MortalRedis, withMortalRedis } from './mortalRedis.ts';

export interface Fleet {
  readonly corpus: FaultCorpus;
  readonly out: string;
  readonly redis: MortalRedis;
  /** The store as it is, past the proxy. */
  readonly direct: ObjectStore;
  /** Lies before the S3 service; before a folder there is none. */
  readonly proxy: FaultProxy | undefined;
  submit(...flags: string[]): Promise<CliResult>;
  /** `posecast work OUT`, of one shard at a time. */
  startWorker(): CliProcess;
  /** Any other command, in the same environment. */
  start(...args: string[]): CliProcess;
}

export type FleetStore = 'folder' | { readonly conditionalPuts: boolean };

export async function withFleet(
  { store, corpus }: { readonly store: FleetStore; readonly corpus: FaultCorpus },
  run: (fleet: Fleet) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    await withMortalRedis(async (redis) => {
      const go = async (out: string, proxy: FaultProxy | undefined, endpoint: string | undefined) => {
        const direct = await openStore(out, { access: 'read', s3: { endpoint } });
        const env = faultEnv(corpus, {
          REDIS_URL: redis.url,
          ...(proxy && { AWS_ENDPOINT_URL_S3: proxy.endpoint }),
        });
        const started: CliProcess[] = [];
        const start = (...args: string[]): CliProcess => {
          const process = startPosecast(args, env);
          started.push(process);
          return process;
        };
        try {
          await run({
            corpus,
            out,
            redis,
            direct,
            proxy,
            start,
            submit: (...flags) => start('submit', corpus.corpus, out, ...corpus.options, ...flags).done,
            startWorker: () => start('work', out, '--threads', '1'),
          });
        } finally {
          for (const { child, done } of started) {
            if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
            await done;
          }
          await direct.close();
        }
      };
      if (store === 'folder') return go(join(folder, 'out'), undefined, undefined);
      await withS3(store, async ({ endpoint, bucket }) => {
        const proxy = await startFaultProxy(endpoint);
        try {
          await go(`s3://${bucket}/run`, proxy, endpoint);
        } finally {
          await proxy.close();
        }
      });
    });
  });
}

/** Returns when so many shards are committed; fails when the process ends before. */
export async function untilCommitted(direct: ObjectStore, count: number, by: CliProcess): Promise<void> {
  while ((await committed(direct)).length < count) {
    assert.equal(by.child.exitCode, null, by.output());
    await sleep(20);
  }
}

export async function committed(direct: ObjectStore): Promise<number[]> {
  const found: number[] = [];
  for await (const index of committedShards(direct)) found.push(index);
  return found;
}

/** Carries a scenario out: real processes, a real Redis, a real store, and what is to happen to them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { committedShards } from '../../src/shared/run/committedShards.ts';
import { RUN_KEY } from '../../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import { childRedis } from '../helpers/childRedis.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { assertSameRun } from './compareRuns.ts';
import type { FaultCorpus } from './corpora.ts';
import { faultEnv } from './faultEnv.ts';
import { startFaultProxy } from './faultProxy.ts';
import { type MortalRedis, withMortalRedis } from './mortalRedis.ts';
import type { Scenario, Strike } from './scenario.ts';
import { createSupervisor, type Supervised, type Supervisor } from './supervisor.ts';
import { createWeather } from './weather.ts';

/** An S3 service to run against; who may use it is in `env`. */
export interface S3Backend {
  readonly endpoint: string;
  readonly bucket: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether the service itself refuses requests of another time. */
  readonly looksAtClock: boolean;
}

/**
 * A disturbed run takes seconds, on a machine that is ten times too busy minutes; one that takes longer than this
 * hangs.
 */
const PATIENCE_MS = 600_000;

/** @throws AssertionError, with all that was printed, unless the run comes to the result of an undisturbed one. */
export async function carryOut(
  scenario: Scenario,
  corpus: FaultCorpus,
  backend: S3Backend | undefined,
): Promise<void> {
  await withPlace(scenario, backend, async ({ out, env, direct }) => {
    const supervisor = createSupervisor();
    try {
      const working =
        scenario.command === 'run'
          ? runAlone(scenario, corpus, supervisor, { out, env, direct })
          : withMortalRedis((redis) =>
              runTogether(scenario, corpus, supervisor, { out, env, direct, redis }),
            );
      await patiently(working);
      if (await hasLateFiles(scenario, direct)) {
        const again = ['run', corpus.corpus, out, ...corpus.options];
        await patiently(supervisor.untilDone('the same command again', again, faultEnv(corpus, env)));
      }
      await assertSameRun(direct, corpus.expected);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${message}\n${JSON.stringify(scenario)}\n${supervisor.transcript()}`, {
        cause: error,
      });
    } finally {
      await supervisor.close();
    }
  });
}

/**
 * Whether an attempt that was killed after the run was finished left files, which `verify` names and the same command
 * removes. Where put-if-absent is ignored it may have left its commit, too.
 */
async function hasLateFiles({ store }: Scenario, direct: ObjectStore): Promise<boolean> {
  const { ok, problemCounts } = await verifyRun(direct);
  const codes = Object.keys(problemCounts);
  return !ok && (store === 's3-without-put-if-absent' || codes.every((code) => code === 'stray-file'));
}

interface Place {
  readonly out: string;
  /** For every process. */
  readonly env: NodeJS.ProcessEnv;
  /** The store as it is, past the weather. */
  readonly direct: ObjectStore;
}

async function withPlace(
  { store, weather, seed }: Scenario,
  backend: S3Backend | undefined,
  run: (place: Place) => Promise<void>,
): Promise<void> {
  if (store === 'folder') {
    return withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      await run({ out, env: {}, direct: await openStore(out, { access: 'read' }) });
    });
  }
  assert.ok(backend !== undefined, `no service for ${store}`);
  const proxy = await startFaultProxy(backend.endpoint, { looksAtClock: !backend.looksAtClock });
  try {
    if (weather !== null) proxy.faultOf = createWeather(weather, seed);
    const out = `s3://${backend.bucket}/seed-${seed}-${Date.now()}`;
    const env = { ...backend.env, AWS_ENDPOINT_URL_S3: proxy.endpoint };
    await withEnvironment(backend.env, async () => {
      const direct = await openStore(out, { access: 'read', s3: { endpoint: backend.endpoint } });
      try {
        await run({ out, env, direct });
      } finally {
        await direct.close();
      }
    });
  } finally {
    await proxy.close();
  }
}

async function runAlone(
  { clocks, strikes }: Scenario,
  corpus: FaultCorpus,
  supervisor: Supervisor,
  { out, env, direct }: Place,
): Promise<void> {
  const ended = new AbortController();
  let producer: Supervised | undefined;
  const args = ['run', corpus.corpus, out, ...corpus.options, '--threads', '1'];
  const working = supervisor.untilDone('run', args, faultEnv(corpus, env, clocks[0]), {
    onStart: (process) => {
      producer = process;
    },
  });
  const striking = strikeAll(strikes, direct, ended.signal, async ({ victim }) => {
    if (victim === 'producer') return producer?.kill();
    const pid = producer?.current?.child.pid;
    const redis = pid === undefined ? undefined : await childRedis(pid);
    if (redis !== undefined) process.kill(redis, 'SIGKILL');
  });
  await working.finally(() => ended.abort());
  await striking;
}

async function runTogether(
  { command, workers, clocks, strikes }: Scenario,
  corpus: FaultCorpus,
  supervisor: Supervisor,
  { out, env, direct, redis }: Place & { readonly redis: MortalRedis },
): Promise<void> {
  const ended = new AbortController();
  const onRedis = { ...env, REDIS_URL: redis.url };
  const processes = new Map<string, Supervised>();
  const register = (name: string) => ({
    onStart: (process: Supervised) => void processes.set(name, process),
  });
  const args = [corpus.corpus, out, ...corpus.options];
  const producerArgs = command === 'submit' ? ['submit', ...args] : ['run', ...args, '--threads', '1'];
  const produce = () =>
    supervisor.untilDone('producer', producerArgs, faultEnv(corpus, onRedis, 0), register('producer'));
  let producing = produce();
  // Shards that failed for good are asked for again, as the output of the worker says.
  let again: Promise<void> | undefined;
  const produceAgain = () => {
    again ??= producing.then(() => {
      again = undefined;
      producing = produce();
      return producing;
    });
    return again;
  };
  const working = Array.from({ length: workers }, async (_, i) => {
    // Before there is a run, `work` refuses to begin.
    while ((await direct.head(RUN_KEY)) === undefined) await sleep(40);
    await supervisor.untilDone(
      `worker ${i}`,
      ['work', out, '--threads', '1'],
      faultEnv(corpus, onRedis, clocks[i]),
      { ...register(`worker ${i}`), ...(command === 'submit' && { onFailure: produceAgain }) },
    );
  });
  const striking = strikeAll(strikes, direct, ended.signal, async ({ victim, worker, awayMs }) => {
    if (victim === 'redis') return redis.killAndRestart(awayMs);
    if (victim === 'redis-data') return redis.empty();
    const process = processes.get(victim === 'producer' ? 'producer' : `worker ${worker}`);
    // Not waited for: the next strike may hit while it stands still.
    if (victim === 'suspended-worker') void process?.suspend(awayMs);
    else process?.kill();
  });
  await Promise.all([producing, ...working]).finally(() => ended.abort());
  await striking;
}

/** Each strike at its moment, until the run has ended. */
async function strikeAll(
  strikes: readonly Strike[],
  direct: ObjectStore,
  ended: AbortSignal,
  strike: (strike: Strike) => Promise<void> | void,
): Promise<void> {
  for (const next of strikes) {
    while (!ended.aborted && (await commits(direct)) < next.afterCommits) await sleep(40);
    await sleep(next.afterMs);
    if (ended.aborted) return;
    await strike(next);
  }
}

async function commits(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const _ of committedShards(store)) count++;
  return count;
}

async function patiently<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`not done after ${PATIENCE_MS / 1000} s`);
      }),
    ]);
  } finally {
    timer.abort();
  }
}

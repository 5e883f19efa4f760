/**
 * Two `posecast work` processes with one model thread each against one of them, on two cores: photographs of the
 * samples, real models, one Redis, one store. Each worker's rate is taken between its own commits while all are at
 * work, so that neither loading the models nor who happens to get the last shard counts.
 *
 * Twice: each worker held to a core of its own, and left to the system. Left alone, one worker decodes its photographs
 * on the other core and is faster than one core is. Where there are no two cores to hold them to, only the latter.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { packageRoot } from '../../src/shared/package.ts';
import { readWorkers } from '../../src/shared/redis/liveWorkers.ts';
import { pauseRun, resumeRun } from '../../src/shared/run/pause.ts';
import { requireRunFile } from '../../src/shared/run/runFile.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { listPhotographs } from '../photographs.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { allowedCores } from './shared/allowedCores.ts';
import { withFolder } from './shared/folders.ts';
import { startPosecast } from './shared/posecastProcess.ts';
import { withBenchRedis } from './shared/timerWorker.ts';

const quick = isQuick();
const ROUNDS = quick ? 1 : 3;
const SHARD_FACES = quick ? 8 : 48;
/** Work for longer than the two seconds in which a worker sees that the run goes on. */
const SHARDS_PER_WORKER = 24;

const samples = join(packageRoot, 'samples', 'london');
const photographs = await listPhotographs(samples);

/**
 * Faces a second of that many workers together; `cores`: that each is held to, the system's choice where there is none.
 */
async function rate(workers: number, cores: readonly number[]): Promise<number> {
  const shards = workers * SHARDS_PER_WORKER;
  return withFolder('disk', (folder) =>
    withBenchRedis(`${folder}/redis`, async ({ url, redis }) => {
      const list = join(folder, 'faces.csv');
      const lines = Array.from({ length: shards * SHARD_FACES }, (_, i) => {
        const { path } = photographs[i % photographs.length]!;
        // Two photographs a person, as the samples have.
        return `face-${String(i).padStart(6, '0')},person-${String(i >> 1).padStart(6, '0')},${path.slice(samples.length + 1)}`;
      });
      await writeFile(list, `face_id,subject_id,path\n${lines.join('\n')}\n`);
      const out = join(folder, 'out');
      const options = ['--image-root', samples, '--shard-faces', String(SHARD_FACES), '--redis', url];
      await startPosecast(['submit', list, out, ...options]).done;
      const store = await openStore(out);
      const { runId } = await requireRunFile(store);
      // Paused until every worker has loaded its models.
      await pauseRun(store, { runId, since: new Date().toISOString(), host: 'bench' });
      const running = Array.from({ length: workers }, (_, i) =>
        startPosecast(['work', out, '--threads', '1', '--redis', url], { core: cores[i] }),
      );
      const ended = Promise.all(running.map(({ done }) => done));
      await Promise.race([untilReady(redis, runId, workers), ended]);
      await resumeRun(store, runId);
      await ended;
      await store.close();
      return rateOfCommits(out, shards, workers);
    }),
  );
}

/** A worker says that it is alive when its models are loaded. */
async function untilReady(redis: Redis, runId: string, workers: number): Promise<void> {
  while ((await readWorkers(redis, runId)).length < workers) await sleep(100);
}

async function rateOfCommits(out: string, shards: number, workers: number): Promise<number> {
  const store = await openStore(out, { access: 'read' });
  const byWorker = new Map<number, { at: number; faces: number }[]>();
  for (let index = 0; index < shards; index++) {
    const commit = await readShardCommit(store, index);
    if (commit === undefined) throw new Error(`shard ${index} has no commit`);
    const own = byWorker.get(commit.worker.pid) ?? [];
    own.push({ at: Date.parse(commit.finishedAt), faces: commit.counters.faces });
    byWorker.set(commit.worker.pid, own);
  }
  await store.close();
  if (byWorker.size !== workers) throw new Error(`expected ${workers} workers, ${byWorker.size} committed`);
  const all = [...byWorker.values()].map((own) => own.sort((a, b) => a.at - b.at));
  const start = Math.max(...all.map((own) => own[0]!.at));
  const end = Math.min(...all.map((own) => own.at(-1)!.at));
  return all.reduce((sum, own) => {
    const inside = own.filter(({ at }) => at >= start && at <= end);
    if (inside.length < 2) throw new Error('the workers were not at work at the same time');
    const faces = inside.slice(1).reduce((total, commit) => total + commit.faces, 0);
    return sum + (1000 * faces) / (inside.at(-1)!.at - inside[0]!.at);
  }, 0);
}

const cores = allowedCores();
const pinned = 'two workers of one model thread, each on a core of its own';
const rounds: { readonly cores: readonly number[]; readonly what: string; readonly found: Round[] }[] = [
  ...(cores.length < 2 ? [] : [{ cores, what: pinned, found: [] }]),
  { cores: [], what: 'the same, wherever the system puts them', found: [] },
];
for (let round = 0; round < ROUNDS; round++) {
  for (const { cores, what, found } of rounds) {
    const [one, two] = [await rate(1, cores), await rate(2, cores)];
    say(`${what}: one worker ${one.toFixed(1)} faces/s, two ${two.toFixed(1)} faces/s`);
    found.push({ value: two, limit: one });
  }
}

printReport({
  bench: 'workers',
  rows: rounds.map(({ what, found }) =>
    ratioRow({ what, unit: 'faces/s', limitOf: 'one of them alone', target: 1.9, atLeast: true }, found),
  ),
  skipped:
    cores.length < 2
      ? [`${pinned}: expected taskset and two cores that it can hold them to, found ${cores.length} cores`]
      : [],
});

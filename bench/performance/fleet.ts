/**
 * A fleet on one machine: 200 workers whose models are a timer, 2 s a shard, one Redis, one store. Everything else is
 * real: queue, locks, heartbeats, looks at the run, listing, tables, commits. How busy are the timers while there is
 * work, and how long is the tail, from the first that runs dry to the last that ends?
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { endWithOwner } from '../../src/shared/machine/endWithOwner.ts';
import { readProgress } from '../../src/shared/redis/runProgress.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { isQuick, median, printReport, ratioRow, say } from './report.ts';
import type { FleetOrder, FleetProcessRequest, FleetReport } from './shared/fleetProcess.ts';
import { withFolder } from './shared/folders.ts';
import { busyWithin } from './shared/timerModels.ts';
import { planned, planTimerRun } from './shared/timerRun.ts';
import { queueShards, withBenchRedis } from './shared/timerWorker.ts';

const SHARD_MS = 2_000;
/** Small, so that this machine can do for all of them what each machine does for itself. */
const SHARD = { people: 1, facesPerPerson: 2, dim: 16 };

const quick = isQuick();
const PROCESSES = quick ? 2 : 4;
const WORKERS = quick ? 4 : 200;
const SHARD_TIME = quick ? 200 : SHARD_MS;
/** Three minutes: all of them start at once on one machine, which no fleet does, and a night is longer still. */
const SHARDS = WORKERS * (quick ? 3 : 100);
/** What starting costs is over by then. */
const STARTED_MS = quick ? 0 : 10_000;

interface FleetFigures {
  readonly busyShare: number;
  /** The same without the first seconds. */
  readonly laterBusyShare: number;
  readonly tailMs: number;
  readonly redis: {
    /** Above an empty server. */
    readonly peakBytes: number;
    readonly commandsPerShard: number;
    readonly cpuMsPerShard: number;
    readonly bytesPerWorker: number;
  };
  /** Of the workers' processes. */
  readonly cpuMsPerShard: number;
}

async function measureFleet(): Promise<FleetFigures> {
  return withFolder('memory', (folder) =>
    withBenchRedis(`${folder}/redis`, async ({ url, redis }) => {
      const empty = await redisFigures(redis);
      const store = await openStore(`${folder}/out`);
      const run = await planTimerRun(store, folder, { runId: 'fleet', shards: SHARDS, ...SHARD });
      await queueShards(redis, run, await planned(store, run));
      const faces = SHARD.people * SHARD.facesPerPerson;
      const request: FleetProcessRequest = {
        out: store.uri,
        redisUrl: url,
        workers: WORKERS / PROCESSES,
        msPerFace: SHARD_TIME / faces,
      };
      const queued = await redisFigures(redis);
      const children = Array.from({ length: PROCESSES }, () => startProcess(request));
      await Promise.all(children.map((child) => hear(child, 'ready')));
      say(`${WORKERS} workers are ready`);
      const before = await redisFigures(redis);
      const bytesPerWorker = (before.usedBytes - queued.usedBytes) / WORKERS;
      const goAt = Date.now();
      for (const child of children) order(child, 'go');
      let done = 0;
      while (done < SHARDS) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        done = (await readProgress(redis, run.runId)).shardsDone;
      }
      const after = await redisFigures(redis);
      const seconds = (Date.now() - goAt) / 1000;
      const reports = children.map((child) => hear(child, 'done'));
      for (const child of children) order(child, 'stop');
      const ends = await Promise.all(reports);
      await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
      await store.close();
      const warnings = ends.flatMap((end) => (end.kind === 'done' ? end.warnings : []));
      if (warnings.length > 0) throw new Error(`a worker had trouble: ${warnings[0]}`);
      const workers = ends.flatMap((end) => (end.kind === 'done' ? end.workers : []));
      const cpuSeconds = ends.reduce((sum, end) => sum + (end.kind === 'done' ? end.cpuSeconds : 0), 0);
      const lastEnds = workers.map(({ busy }) => busy.at(-1)?.end ?? Number.NaN);
      const dryAt = Math.min(...lastEnds);
      const busySince = (start: number): number => {
        const busy = workers.reduce((sum, worker) => sum + busyWithin(worker.busy, { start, end: dryAt }), 0);
        return busy / (workers.length * (dryAt - start));
      };
      const figures = {
        busyShare: busySince(goAt),
        laterBusyShare: busySince(goAt + STARTED_MS),
        tailMs: Math.max(...lastEnds) - dryAt,
        redis: {
          peakBytes: after.peakBytes - empty.usedBytes,
          commandsPerShard: (after.commands - before.commands) / SHARDS,
          cpuMsPerShard: (1000 * (after.cpuSeconds - before.cpuSeconds)) / SHARDS,
          bytesPerWorker,
        },
        cpuMsPerShard: (1000 * cpuSeconds) / SHARDS,
      };
      const longestBlockMs = Math.max(...workers.map((worker) => worker.longestBlockMs));
      say(
        `${SHARDS} shards in ${seconds.toFixed(1)} s: ${(100 * figures.busyShare).toFixed(1)} % busy, ` +
          `${(100 * figures.laterBusyShare).toFixed(1)} % after the start, tail ${figures.tailMs.toFixed(0)} ms`,
      );
      say(
        `Redis: ${figures.redis.commandsPerShard.toFixed(1)} commands a shard, ` +
          `${figures.redis.cpuMsPerShard.toFixed(2)} ms of a core a shard, ` +
          `${(figures.redis.peakBytes / 1e6).toFixed(1)} MB at most, ${(bytesPerWorker / 1e3).toFixed(0)} kB a worker; ` +
          `workers: ${figures.cpuMsPerShard.toFixed(1)} ms of a core a shard, ` +
          `threads that hold locks blocked for ${longestBlockMs.toFixed(0)} ms at most`,
      );
      return figures;
    }),
  );
}

function startProcess(request: FleetProcessRequest): ChildProcess {
  const file = new URL('./shared/fleetProcess.js', import.meta.url);
  const execArgv = ['--enable-source-maps'];
  return endWithOwner(fork(file, [JSON.stringify(request)], { detached: true, execArgv, stdio: 'inherit' }));
}

function order(child: ChildProcess, word: FleetOrder): void {
  child.send(word);
}

async function hear<K extends FleetReport['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<FleetReport, { kind: K }>> {
  const message = new Promise<FleetReport>((resolve, reject) => {
    child.once('message', (report: FleetReport) => resolve(report));
    child.once('exit', (code) => reject(new Error(`a process of the fleet ended with ${code}`)));
  });
  const report = await message;
  if (report.kind !== kind) throw new Error(`expected ${kind}, found ${report.kind}`);
  return report as Extract<FleetReport, { kind: K }>;
}

/** Since the server's start. */
async function redisFigures(redis: Redis) {
  const info = await redis.info();
  const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  return {
    usedBytes: field('used_memory'),
    peakBytes: field('used_memory_peak'),
    commands: field('total_commands_processed'),
    cpuSeconds: field('used_cpu_sys') + field('used_cpu_user'),
  };
}

const rounds: FleetFigures[] = [];
for (let round = 0; round < (quick ? 1 : 2); round++) rounds.push(await measureFleet());
const middle = (of: (figures: FleetFigures) => number) => median(rounds.map(of));

printReport({
  bench: 'fleet',
  rows: [
    ratioRow(
      {
        what: `${WORKERS} workers, ${SHARD_TIME / 1000} s a shard: busy until the first runs dry`,
        unit: 's of models a second',
        limitOf: 'all of them all the time',
        target: 0.98,
        atLeast: true,
      },
      rounds.map(({ busyShare }) => ({ value: busyShare * WORKERS, limit: WORKERS })),
    ),
    ratioRow(
      {
        what: 'tail, from the first that runs dry to the last that ends',
        unit: 'ms',
        limitOf: 'a shard',
        target: 1,
        atLeast: false,
      },
      rounds.map(({ tailMs }) => ({ value: tailMs, limit: SHARD_TIME })),
    ),
  ],
  skipped: [],
  constants: {
    workers: WORKERS,
    shards: SHARDS,
    'shard, ms': SHARD_TIME,
    'busy share after the start': middle(({ laterBusyShare }) => laterBusyShare),
    'redis commands a shard': middle(({ redis }) => redis.commandsPerShard),
    'redis CPU a shard, ms': middle(({ redis }) => redis.cpuMsPerShard),
    'redis memory above its start, bytes': middle(({ redis }) => redis.peakBytes),
    'redis memory a worker, bytes': middle(({ redis }) => redis.bytesPerWorker),
    'worker CPU a shard, ms': middle(({ cpuMsPerShard }) => cpuMsPerShard),
  },
});

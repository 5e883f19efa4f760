/** `posecast run CORPUS OUT`: plan, queue, work and finish on this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Redis } from 'ioredis';
import { feedRun } from '../producer/feedRun.ts';
import { planRun } from '../producer/planRun.ts';
import { IntegrityError, PosecastError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/queue.ts';
import { closeRedis, connectRedis } from '../shared/redis.ts';
import { unregisterRun } from '../shared/redisRuns.ts';
import { startOwnRedis } from '../shared/redisServer.ts';
import { createReleasers, type Releasers } from '../shared/releasers.ts';
import { isFinished } from '../shared/run/committedShards.ts';
import { readManifest } from '../shared/run/manifest.ts';
import { openStore } from '../shared/store/openStore.ts';
import { openShardContext } from '../worker/openShardContext.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import { addComputeOptions, type ComputeFlags, computeOptions } from './computeOptions.ts';
import { addControlOptions, type ControlFlags } from './controlOptions.ts';
import { Interrupted } from './exit.ts';
import { liveMode, openLiveLine } from './liveLine.ts';
import { type RunHereOptions, type RunHereResult, runHere } from './runHere.ts';
import { addRunOptions, type RunFlags, runConfigFromOptions } from './runOptions.ts';
import { earlyOutcome, earlyOutcomeJson, exitCodeOf, formatEarlyOutcome } from './runOutcome.ts';
import { openStopSignal } from './signals.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './storeOptions.ts';
import { formatSummary, summaryJson } from './summary.ts';

interface Flags extends RunFlags, ComputeFlags, ControlFlags, StoreFlags {
  readonly redis?: string;
  readonly json: boolean;
}

export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Expands a corpus on this machine: photographs of people in, a committed table of real and generated ' +
        'embeddings out. The same command again resumes an interrupted run.',
    )
    .argument('<CORPUS>', 'a folder with a folder per person, or a .csv list (face_id,subject_id,path)')
    .argument('<OUT>', 'where the run goes: a folder, or s3://bucket/prefix');
  addRunOptions(command);
  addComputeOptions(command);
  addStoreOptions(command);
  addControlOptions(command);
  return command
    .option(
      '--redis <url>',
      'queue shards on this Redis, so that other machines can join (default: REDIS_URL, else a Redis of its own)',
    )
    .option('--json', 'one JSON object a line instead of text', false)
    .addHelpText('after', EXAMPLES)
    .action(run);
}

const EXAMPLES = `
Examples:
  posecast run samples/london out/sample
  posecast run faces.csv s3://bucket/night-1 --image-root /data/faces --variants 20
  posecast run /data/ms1mv3-crops out/ms1mv3 --aligned --shard-faces 2048
  posecast run photos out/mtcnn --detector mtcnn --recognizer mobilefacenet-192
  posecast run /data/scraped out/scraped --deadline 07:00 --max-failure-rate 0.2

A run that ends before it is complete says how many shards are left and how to go on; what is committed stays.

Exit codes: 0 complete, 1 failed shards or too many rejected photographs, 2 cannot be done as asked and nothing was
written, 3 the deadline came first, 130 interrupted. After 1, 3 and 130 the same command goes on.
`;

async function run(corpus: string, out: string, flags: Flags): Promise<void> {
  const started = performance.now();
  const releasers = createReleasers();
  const compute = await computeOptions(flags);
  const device = `${compute.device}, ${compute.threads} threads`;
  const live = openLiveLine({ mode: liveMode(process.stderr, flags.json), device });
  const note = (line: string) => live.note(line);
  const stop = openStopSignal((name) => live.note(`${name}: handing shards back; once more to end at once`));
  try {
    const config = await runConfigFromOptions(corpus, flags);
    const store = await openStore(out, { onWarning: note, s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const redisUrl = flags.redis ?? process.env.REDIS_URL;
    // Reached before anything is planned: a run that cannot be queued must not be written.
    const shared = redisUrl === undefined ? undefined : await sharedRedis(redisUrl, note, releasers);
    const assets = await openRunAssets(config, note);
    const { run, resumed } = await planRun(config, store, {
      models: assets.identity,
      signal: stop.signal,
      note,
    });
    if (resumed) note(`resuming run ${run.runId}`);
    let work: { longestBlockMs: number; workSeconds: number } | undefined;
    if (!(await isFinished(store))) {
      const { redis, lost } = shared ?? (await ownRedis(note, releasers));
      const queue = openShardQueue(redis, run.runId);
      releasers.push('queue', () => queue.close());
      const context = await openShardContext(run, store, assets, compute, releasers);
      const ready = performance.now();
      const working = workToEnd({ redis, queue, context, live, control: flags, releasers }, stop.signal);
      const result = await Promise.race([working, lost]);
      live.finish();
      const { end } = result;
      if (end.status !== 'complete' && end.status !== 'paused') {
        if (end.status === 'failed') {
          for (const { shard, reason } of end.failures) note(`shard ${shard} failed for good: ${reason}`);
        }
        const outcome = await earlyOutcome(end, run, store, started);
        process.stdout.write(flags.json ? `${earlyOutcomeJson(outcome)}\n` : formatEarlyOutcome(outcome));
        process.exitCode = exitCodeOf(end);
        return;
      }
      await unregisterRun(redis, run.runId);
      work = {
        longestBlockMs: result.longestBlockMs,
        workSeconds: (performance.now() - ready) / 1000,
      };
    }
    const manifest = await readManifest(store);
    if (manifest === undefined) throw new IntegrityError('no-manifest', 'the run ended without a manifest');
    const summary = {
      runId: run.runId,
      out: store.uri,
      manifest,
      device,
      seconds: (performance.now() - started) / 1000,
      // Kilobytes, whatever the platform.
      peakMemory: process.resourceUsage().maxRSS * 1024,
      ...work,
    };
    process.stdout.write(flags.json ? `${summaryJson(summary)}\n` : formatSummary(summary));
  } catch (error) {
    live.finish();
    if (stop.signal.aborted) throw new Interrupted('stopped; the same command resumes');
    throw error;
  } finally {
    await releasers.release();
    stop.close();
  }
}

/** Feeds the queue and works on it, until the work here ends in one way or another. */
async function workToEnd(work: Omit<RunHereOptions, 'signal'>, signal: AbortSignal): Promise<RunHereResult> {
  const { redis, queue, context } = work;
  const ended = new AbortController();
  const feeding = feedRun(context.run, context.store, {
    redis,
    queue,
    signal: AbortSignal.any([signal, ended.signal]),
  }).catch((error: unknown) => {
    // Work that ends early leaves shards unqueued; the same command queues them.
    if (!ended.signal.aborted) throw error;
  });
  const working = runHere({ ...work, signal }).finally(() => ended.abort());
  const [result] = await Promise.all([working, feeding]);
  return result;
}

interface RunRedis {
  readonly redis: Redis;
  /** Rejects when the server is gone for good. */
  readonly lost: Promise<never>;
}

/** A Redis that others use too: when it is away, the run waits for its return. */
async function sharedRedis(
  url: string,
  note: (line: string) => void,
  releasers: Releasers,
): Promise<RunRedis> {
  const redis = await connectRedis(url, { warn: note });
  releasers.push('redis connection', () => closeRedis(redis));
  return { redis, lost: new Promise(() => {}) };
}

/** A Redis for this run alone; nothing in it has to survive, since the commits are in the store. */
async function ownRedis(note: (line: string) => void, releasers: Releasers): Promise<RunRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'posecast-redis-'));
  releasers.push('redis folder', () => rm(dir, { recursive: true, force: true }));
  const server = await startOwnRedis({ dir });
  releasers.push('redis', () => server.close());
  const { redis } = await sharedRedis(server.url, note, releasers);
  const lost = server.died.then((reason) => {
    throw new PosecastError('redis-died', "the run's own redis-server has ended; the same command resumes", {
      how: reason.slice(0, 80),
    });
  });
  // It may end before anybody listens; whoever listens then still hears it.
  lost.catch(() => {});
  return { redis, lost };
}

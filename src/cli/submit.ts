/** `posecast submit CORPUS OUT`: plans a run and queues its shards for workers on any machine. */
import { Command } from 'commander';
import type { Redis } from 'ioredis';
import type { EnqueueProgress } from '../producer/enqueueShards.ts';
import { feedAgain, feedRun } from '../producer/feedRun.ts';
import { type PlannedRun, planRun } from '../producer/planRun.ts';
import { createReleasers, type Releasers } from '../shared/async/releasers.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import { openShardQueue, type ShardQueue } from '../shared/redis/queue.ts';
import { closeRedis, connectRedis, parseRedisUrl } from '../shared/redis/redis.ts';
import { refuseCopy } from '../shared/redis/refuseCopy.ts';
import { takeUpAgain } from '../shared/redis/runList.ts';
import { readProgress } from '../shared/redis/runProgress.ts';
import { readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import { settleFinished } from '../shared/run/settleFinished.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { openStore } from '../shared/store/openStore.ts';
import { count, counted } from '../shared/text/counted.ts';
import { warnings } from '../shared/text/logFields.ts';
import { openTracing } from '../shared/tracing/openTracing.ts';
import type { Tracing } from '../shared/tracing/tracing.ts';
import { openEmptyQueueWatch } from '../worker/queue/emptyQueueWatch.ts';
import { openPauseWatch } from '../worker/queue/pauseWatch.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import { type RunEnd, waitForRunEnd } from '../worker/runEnd.ts';
import { dryRun } from './dryRun/dryRun.ts';
import { EXIT } from './exit.ts';
import { openForgottenWatch } from './forgottenWatch.ts';
import { type AppendFlag, addAppendOption, describeAppend } from './options/appendOption.ts';
import { CORPUS_KINDS } from './options/corpusPlace.ts';
import { addDryRunOptions, type DryRunFlags, refuseRate, refuseUseless } from './options/dryRunOptions.ts';
import { addTraceOption, type TraceFlags } from './options/observeOptions.ts';
import { type RedisFlag, requireRedisUrl } from './options/redisUrl.ts';
import { addRunOptions, type RunFlags, runConfigFromOptions } from './options/runOptions.ts';
import {
  addCorpusStoreOptions,
  addStoreOptions,
  type CorpusStoreFlags,
  corpusS3Options,
  s3Options,
} from './options/storeOptions.ts';
import { refuseUselessStores } from './options/uselessStores.ts';
import { workCommandLine } from './output/commandLine.ts';
import type { LiveLine } from './output/liveLine.ts';
import { addLogOptions, type LogFlags, openLog } from './output/log.ts';
import { printResult } from './output/printResult.ts';
import { sayFailures } from './output/runOutcome.ts';
import { retireRun } from './retireRun.ts';
import { stoppable } from './stoppable.ts';

const EPILOGUE = `
Submitting plans the run into OUT (corpus listing, shards, run.json) and then feeds the queue, a few thousand
shards ahead of the workers. It ends when the last shard is queued. The same command again goes on where it
stopped: committed shards are skipped, failed ones are tried again. Redis may be lost; OUT has every result.

Workers read the corpus themselves: it must have the same path on every node.

Examples:
  posecast submit /data/faces s3://bucket/night-1 --redis redis://queue:6379
  posecast submit faces.csv /mnt/out/run-7 --image-root /mnt/faces --variants 20 --wait
  posecast submit /data/faces s3://bucket/night-1 --dry-run --rate 4000      ten nodes of 400 photographs a second
  posecast submit /data/faces s3://bucket/faces --append                         photographs added since
  posecast status s3://bucket/night-1 --redis redis://queue:6379 --watch

Exit codes: 0 queued (with --wait: complete), 1 the run was forgotten (posecast forget), or with --wait: shards failed for
good, or OUT is gone or cannot be read, 2 cannot be done as asked and nothing was written, 130 interrupted; the same command goes on.
`;

interface Flags extends RunFlags, AppendFlag, DryRunFlags, CorpusStoreFlags, LogFlags, TraceFlags, RedisFlag {
  readonly wait: boolean;
}

/** Between two lines about a queue that is being filled, in milliseconds. */
const FEED_EVERY_MS = 5_000;

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('Plans a run and queues its shards; `posecast work`, anywhere, processes them.')
    .argument('<CORPUS>', `${CORPUS_KINDS}; a list has the columns face_id,subject_id,path`)
    .argument('<OUT>', 'where the run goes: a folder that every worker sees, or s3://bucket/prefix');
  addAppendOption(addRunOptions(command));
  addLogOptions(addTraceOption(addDryRunOptions(addCorpusStoreOptions(addStoreOptions(command)))));
  return command
    .option('--redis <url>', 'the Redis that holds the queue (default: REDIS_URL)')
    .option('--wait', 'stay until the run is complete', false)
    .option('--json', 'one JSON object a line instead of text', false)
    .addHelpText('after', EPILOGUE)
    .action(submit);
}

async function submit(corpus: string, out: string, flags: Flags, command: Command): Promise<void> {
  const log = await openLog(flags);
  refuseUselessStores(corpus, out, flags);
  if (flags.dryRun) {
    refuseUseless(command);
    // Loads ONNX Runtime, which a producer's machine needs for nothing else.
    const { computeOptions } = await import('./options/computeOptions.ts');
    const config = await runConfigFromOptions(corpus, flags);
    return dryRun(config, out, await computeOptions({ ...flags, device: 'cpu' }), flags);
  }
  refuseRate(flags);
  const url = requireRedisUrl(flags, 'submit');
  const redisLabel = parseRedisUrl(url).label;
  const live = log.live(`redis ${redisLabel}`);
  const { note } = live;
  const stopping = {
    stopped: 'stopped; the same command goes on',
    onStop: (name: string) => note(`${name}: stopping; once more to end at once`),
    onError: live.finish,
  };
  await stoppable(stopping, async (signal, releasers) => {
    const config = await runConfigFromOptions(corpus, flags);
    const tracing = await openTracing({ asked: flags.trace, service: 'posecast-submit', say: note });
    if (tracing !== undefined) releasers.push('traces', () => tracing.close());
    // Reached before anything is planned: a run that cannot be queued must not be written.
    const redis = await connectRedis(url, { warn: warnings(note) });
    releasers.push('redis connection', () => closeRedis(redis));
    const store = await openStore(out, { onWarning: warnings(note), s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    await unlessAborted(refuseCopy(redis, store, s3Options(flags)), signal);
    const { runModels } = await openRunAssets(config, note);
    while (true) {
      const planned = await planRun(config, store, {
        models: runModels,
        signal,
        note,
        corpusS3: corpusS3Options(flags),
        append: flags.append === true,
        onListed: live.listing,
      });
      live.listing('done');
      live.about({ run: planned.run.runId });
      const shards = await readRunShards(store, planned.run, signal);
      sayPlanned(planned, shards, note);
      // What came first has to be committed before new photographs are looked for.
      const isLast = planned.append?.status !== 'waits';
      const round = createReleasers();
      releasers.push('round', () => round.release());
      const submission = { ...planned, shards, store, redis, live, flags, signal, tracing, releasers: round };
      const complete =
        (await settleFinished(store, planned.run, signal)) ||
        (await queueUnlessForgotten(submission, isLast));
      if (!complete) return;
      await retireRun(redis, planned.run.runId, store, note);
      await round.release();
      if (isLast) return reportComplete(submission);
    }
  });
}

function sayPlanned(
  { run, resumed, append }: PlannedRun,
  shards: RunShards,
  note: (line: string) => void,
): void {
  note(
    `${resumed ? 'resuming' : 'planned'} run ${run.runId}: ` +
      `${counted(shards.faces, 'face', 'faces')} of ${counted(shards.subjects, 'person', 'people')} in ` +
      counted(shards.places, 'shard', 'shards'),
  );
  for (const line of append === undefined ? [] : describeAppend(append)) note(line);
}

interface Submission {
  readonly run: RunFile;
  readonly shards: RunShards;
  readonly store: ObjectStore;
  readonly redis: Redis;
  readonly live: LiveLine;
  readonly flags: Flags;
  readonly signal: AbortSignal;
  readonly tracing: Tracing | undefined;
  readonly releasers: Releasers;
}

/** As `queueShards`. @throws PosecastError when somebody forgets the run meanwhile. */
async function queueUnlessForgotten(submission: Submission, isLast: boolean): Promise<boolean> {
  const { run, redis, signal, releasers } = submission;
  // What was forgotten before counts no more.
  await unlessAborted(takeUpAgain(redis, run.runId), signal);
  const forgotten = openForgottenWatch(redis, run.runId);
  releasers.push('watch for a forgotten run', () => forgotten.close());
  const either = AbortSignal.any([signal, forgotten.signal]);
  return unlessAborted(queueShards({ ...submission, signal: either }, isLast), either);
}

/** Queues what is left; true: it was waited for, and the run is complete. */
async function queueShards(submission: Submission, isLast: boolean): Promise<boolean> {
  const { run, shards, store, redis, live, flags, signal, tracing, releasers } = submission;
  const queue = openShardQueue(redis, run.runId);
  releasers.push('queue', () => queue.close());
  const fed = await feedRun(run, store, {
    redis,
    queue,
    signal,
    onProgress: feedLines(shards.places, live),
    tracing,
  });
  if (isLast) {
    printResult(
      flags,
      { event: 'queued', runId: run.runId, out: store.uri, shards: shards.places, ...fed },
      `queued ${count(fed.queued)} of ${count(shards.places)} shards (${count(fed.skipped)} were committed already` +
        `${fed.held === 0 ? '' : `, ${count(fed.held)} in the queue`}); workers: ${workCommandLine(store.uri, flags)}`,
    );
    if (!flags.wait) return false;
  }
  const end = await waitForEnd(submission, queue);
  live.finish();
  if (end.status === 'complete') return true;
  sayFailures(end.failures, (line, fields) => live.note(line, fields));
  process.exitCode = EXIT.failures;
  return false;
}

async function waitForEnd(
  { run, shards, store, redis, live, signal, tracing, releasers }: Submission,
  queue: ShardQueue,
): Promise<RunEnd> {
  const pause = await openPauseWatch(run, store, () => {});
  releasers.push('pause watch', () => pause.close());
  const onLook = async () => {
    const done = await readProgress(redis, run.runId);
    const { paused } = pause;
    live.update({
      ...done,
      shardsTotal: shards.places,
      facesTotal: shards.faces,
      ...(paused && { paused }),
    });
  };
  const emptyQueue = openEmptyQueueWatch((ended) =>
    feedAgain(run, store, { redis, queue, signal: AbortSignal.any([signal, ended]), tracing }),
  );
  releasers.push('empty queue watch', () => emptyQueue.close());
  const warn = (line: string) => live.note(line, { level: 'warn' });
  return waitForRunEnd({ redis, queue, store, run, signal, onLook, emptyQueue, warn, pollMs: 1_000 });
}

function reportComplete({ run, store, flags }: Submission): void {
  printResult(flags, { event: 'complete', runId: run.runId, out: store.uri }, `run ${run.runId} is complete`);
}

/** A line now and then while the queue is filled: with a long plan that takes as long as the run. */
function feedLines(shards: number, live: LiveLine) {
  let saidAt = performance.now();
  return ({ queued, held, skipped }: EnqueueProgress) => {
    if (performance.now() - saidAt < FEED_EVERY_MS) return;
    saidAt = performance.now();
    live.note(`${count(queued + held + skipped)} of ${count(shards)} shards are queued or committed`);
  };
}

/** `posecast submit CORPUS OUT`: plans a run and queues its shards for workers on any machine. */
import { Command } from 'commander';
import { feedAgain, feedRun } from '../producer/feedRun.ts';
import { planRun } from '../producer/planRun.ts';
import { ConfigError } from '../shared/errors.ts';
import { warnings } from '../shared/logFields.ts';
import { openShardQueue } from '../shared/queue.ts';
import { closeRedis, connectRedis, parseRedisUrl } from '../shared/redis.ts';
import { readProgress, unregisterRun } from '../shared/redisRuns.ts';
import { createReleasers } from '../shared/releasers.ts';
import { settleFinished } from '../shared/run/settleFinished.ts';
import { openStore } from '../shared/store/openStore.ts';
import { openTracing } from '../shared/tracing/tracing.ts';
import { openEmptyQueueWatch } from '../worker/emptyQueueWatch.ts';
import { openPauseWatch } from '../worker/pauseWatch.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import { waitForRunEnd } from '../worker/runEnd.ts';
import { CORPUS_KINDS } from './corpusPlace.ts';
import { addDryRunOptions, type DryRunFlags, dryRun } from './dryRun.ts';
import { EXIT, Interrupted } from './exit.ts';
import { count, type LiveLine } from './liveLine.ts';
import { addLogOptions, type LogFlags, openLog } from './log.ts';
import { addTraceOption, type TraceFlags } from './observeOptions.ts';
import { addRunOptions, type RunFlags, runConfigFromOptions } from './runOptions.ts';
import { sayFailures } from './runOutcome.ts';
import { openStopSignal } from './signals.ts';
import {
  addCorpusStoreOptions,
  addStoreOptions,
  type CorpusStoreFlags,
  corpusS3Options,
  s3Options,
} from './storeOptions.ts';

const EPILOGUE = `
Submitting plans the run into OUT (corpus listing, shards, run.json) and then feeds the queue, a few thousand
shards ahead of the workers. It ends when the last shard is queued. The same command again goes on where it
stopped: committed shards are skipped, failed ones are tried again. Redis may be lost; OUT has every result.

Workers read the corpus themselves: it must have the same path on every node.

Examples:
  posecast submit /data/faces s3://bucket/night-1 --redis redis://queue:6379
  posecast submit faces.csv /mnt/out/run-7 --image-root /mnt/faces --variants 20 --wait
  posecast submit /data/faces s3://bucket/night-1 --dry-run --rate 4000      ten nodes of 400 photographs a second
  posecast status s3://bucket/night-1 --redis redis://queue:6379 --watch

Exit codes: 0 queued (with --wait: complete), 1 with --wait: shards failed for good, 2 cannot be done as asked
and nothing was written, 130 interrupted; the same command goes on.
`;

interface Flags extends RunFlags, DryRunFlags, CorpusStoreFlags, LogFlags, TraceFlags {
  readonly redis?: string;
  readonly wait: boolean;
}

/** Between two lines about a queue that is being filled, in milliseconds. */
const FEED_EVERY_MS = 5_000;

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('Plans a run and queues its shards; `posecast work`, anywhere, processes them.')
    .argument('<CORPUS>', `${CORPUS_KINDS}; a list has the columns face_id,subject_id,path`)
    .argument('<OUT>', 'where the run goes: a folder that every worker sees, or s3://bucket/prefix');
  addLogOptions(
    addTraceOption(addDryRunOptions(addCorpusStoreOptions(addStoreOptions(addRunOptions(command))))),
  );
  return command
    .option('--redis <url>', 'the Redis that holds the queue (default: REDIS_URL)')
    .option('--wait', 'stay until the run is complete', false)
    .option('--json', 'one JSON object a line instead of text', false)
    .addHelpText('after', EPILOGUE)
    .action(submit);
}

async function submit(corpus: string, out: string, flags: Flags): Promise<void> {
  if (flags.dryRun) {
    // Loads ONNX Runtime, which a producer's machine needs for nothing else.
    const { computeOptions } = await import('./computeOptions.ts');
    const config = await runConfigFromOptions(corpus, flags);
    return dryRun(config, out, await computeOptions({ ...flags, device: 'cpu' }), flags);
  }
  const url = flags.redis ?? process.env.REDIS_URL;
  if (url === undefined) {
    throw new ConfigError('no-redis-url', 'submit: expected --redis or REDIS_URL, found neither');
  }
  const releasers = createReleasers();
  const redisLabel = parseRedisUrl(url).label;
  const live = (await openLog(flags)).live(`redis ${redisLabel}`);
  const { note } = live;
  const stop = openStopSignal((name) => note(`${name}: stopping; once more to end at once`));
  const { signal } = stop;
  try {
    const config = await runConfigFromOptions(corpus, flags);
    const tracing = await openTracing({ asked: flags.trace, service: 'posecast-submit', say: note });
    if (tracing !== undefined) releasers.push('traces', () => tracing.close());
    // Reached before anything is planned: a run that cannot be queued must not be written.
    const redis = await connectRedis(url, { warn: warnings(note) });
    releasers.push('redis connection', () => closeRedis(redis));
    const store = await openStore(out, { onWarning: warnings(note), s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const { identity } = await openRunAssets(config, note);
    const { run, resumed } = await planRun(config, store, {
      models: identity,
      signal,
      note,
      corpusS3: corpusS3Options(flags),
    });
    live.about({ run: run.runId });
    const { faces, subjects } = run.corpus;
    note(
      `${resumed ? 'resuming' : 'planned'} run ${run.runId}: ` +
        `${count(faces)} faces of ${count(subjects)} people in ${count(run.shards)} shards`,
    );
    if (await settleFinished(store, run, signal)) {
      await unregisterRun(redis, run.runId);
      report(flags, { event: 'complete', runId: run.runId, out: store.uri }, `run ${run.runId} is complete`);
      return;
    }
    const queue = openShardQueue(redis, run.runId);
    releasers.push('queue', () => queue.close());
    const fed = await feedRun(run, store, {
      redis,
      queue,
      signal,
      onProgress: feedLines(run.shards, live),
      tracing,
    });
    report(
      flags,
      { event: 'queued', runId: run.runId, out: store.uri, shards: run.shards, ...fed },
      `queued ${count(fed.queued)} of ${count(run.shards)} shards (${count(fed.skipped)} were committed already); ` +
        `workers: posecast work ${store.uri}`,
    );
    if (!flags.wait) return;

    const pause = await openPauseWatch(run, store, () => {});
    releasers.push('pause watch', () => pause.close());
    const onLook = async () => {
      const done = await readProgress(redis, run.runId);
      const { paused } = pause;
      live.update({ ...done, shardsTotal: run.shards, facesTotal: faces, ...(paused && { paused }) });
    };
    const emptyQueue = openEmptyQueueWatch((ended) =>
      feedAgain(run, store, { redis, queue, signal: AbortSignal.any([signal, ended]), tracing }),
    );
    releasers.push('empty queue watch', () => emptyQueue.close());
    const end = await waitForRunEnd({ queue, store, run, signal, onLook, emptyQueue, pollMs: 1_000 });
    live.finish();
    if (end.status === 'failed') {
      sayFailures(end.failures, note);
      process.exitCode = EXIT.failures;
      return;
    }
    await unregisterRun(redis, run.runId);
    report(flags, { event: 'complete', runId: run.runId, out: store.uri }, `run ${run.runId} is complete`);
  } catch (error) {
    live.finish();
    if (signal.aborted) throw new Interrupted('stopped; the same command goes on');
    throw error;
  } finally {
    await releasers.release();
    stop.close();
  }
}

/** The result of the command, on standard output. */
function report(flags: Flags, event: Record<string, unknown>, line: string): void {
  process.stdout.write(`${flags.json ? JSON.stringify(event) : line}\n`);
}

/** A line now and then while the queue is filled: with a long plan that takes as long as the run. */
function feedLines(shards: number, live: LiveLine) {
  let saidAt = Date.now();
  return ({ queued, skipped }: { queued: number; skipped: number }) => {
    if (Date.now() - saidAt < FEED_EVERY_MS) return;
    saidAt = Date.now();
    live.note(`queued ${count(queued + skipped)} of ${count(shards)} shards`);
  };
}

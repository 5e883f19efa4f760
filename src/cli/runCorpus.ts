/** Plans, queues, works and finishes on this machine: what `posecast run` does between its options and its report. */
import { feedRun } from '../producer/feedRun.ts';
import { planRun } from '../producer/planRun.ts';
import type { RunConfig } from '../shared/config.ts';
import { IntegrityError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/queue.ts';
import { unregisterRun } from '../shared/redisRuns.ts';
import type { Releasers } from '../shared/releasers.ts';
import { readManifest } from '../shared/run/manifest.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { settleFinished } from '../shared/run/settleFinished.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { type ComputeOptions, openShardContext } from '../worker/openShardContext.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import type { ControlFlags } from './controlOptions.ts';
import type { LiveLine } from './liveLine.ts';
import type { Observation } from './observeOptions.ts';
import { type RunHereOptions, type RunHereResult, runHere } from './runHere.ts';
import { type EarlyEnd, isEarly } from './runOutcome.ts';
import { ownRedis, sharedRedis } from './runRedis.ts';
import type { RunSummary } from './summary.ts';

export interface RunCorpusOptions {
  readonly store: ObjectStore;
  readonly compute: ComputeOptions;
  readonly control: ControlFlags;
  /** Absent: the run gets a Redis of its own. */
  readonly redisUrl: string | undefined;
  readonly live: LiveLine;
  readonly observation: Observation;
  readonly signal: AbortSignal;
  readonly releasers: Releasers;
  /** Called as soon as it is known which run it is. */
  readonly onPlanned: (run: RunFile) => void;
}

export type CorpusEnd =
  | ({ readonly status: 'complete' } & Pick<RunSummary, 'manifest' | 'workSeconds' | 'longestBlockMs'>)
  | EarlyEnd;

/** Rejects when stopped, and when the run cannot go on. */
export async function runCorpus(
  config: RunConfig,
  options: RunCorpusOptions,
): Promise<{ readonly run: RunFile; readonly end: CorpusEnd }> {
  const { store, compute, control, redisUrl, live, observation, signal, releasers } = options;
  const { note } = live;
  // Reached before anything is planned: a run that cannot be queued must not be written.
  const shared = redisUrl === undefined ? undefined : await sharedRedis(redisUrl, note, releasers);
  const assets = await openRunAssets(config, note);
  const { run, resumed } = await planRun(config, store, {
    models: assets.identity,
    signal,
    note,
    corpusS3: compute.corpusS3,
  });
  options.onPlanned(run);
  if (resumed) note(`resuming run ${run.runId}`);
  let work: { longestBlockMs: number; workSeconds: number } | undefined;
  if (!(await settleFinished(store, run, signal))) {
    const { redis, lost } = shared ?? (await ownRedis(note, releasers));
    observation.watchRedis(redis);
    const queue = openShardQueue(redis, run.runId);
    releasers.push('queue', () => queue.close());
    const context = await openShardContext(run, store, assets, { ...compute, note }, releasers);
    const ready = performance.now();
    const working = workToEnd({ redis, queue, context, live, observation, control, releasers }, signal);
    const { end, longestBlockMs } = await Promise.race([working, lost]);
    live.finish();
    if (isEarly(end)) return { run, end };
    await unregisterRun(redis, run.runId);
    work = { longestBlockMs, workSeconds: (performance.now() - ready) / 1000 };
  }
  const manifest = await readManifest(store);
  if (manifest === undefined) throw new IntegrityError('no-manifest', 'the run ended without a manifest');
  return { run, end: { status: 'complete', manifest, ...work } };
}

/** Feeds the queue and works on it, until the work here ends in one way or another. */
async function workToEnd(work: Omit<RunHereOptions, 'signal'>, signal: AbortSignal): Promise<RunHereResult> {
  const { redis, queue, context, observation } = work;
  const ended = new AbortController();
  const feeding = feedRun(context.run, context.store, {
    redis,
    queue,
    signal: AbortSignal.any([signal, ended.signal]),
    tracing: observation.tracing,
  }).catch((error: unknown) => {
    // Work that ends early leaves shards unqueued; the same command queues them.
    if (!ended.signal.aborted) throw error;
  });
  const working = runHere({ ...work, signal }).finally(() => ended.abort());
  // The end of the work is the end, also when feeding waits for a Redis that is away.
  return await Promise.race([working, feeding.then(() => working)]);
}

/** Plans, queues, works and finishes on this machine: what `posecast run` does between its options and its report. */
import { feedRun, takeUpFailed } from '../producer/feedRun.ts';
import { planRun } from '../producer/planRun.ts';
import { createReleasers, type Releasers } from '../shared/async/releasers.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import type { RunConfig } from '../shared/config.ts';
import { openShardQueue } from '../shared/redis/queue.ts';
import { refuseCopy } from '../shared/redis/refuseCopy.ts';
import { requireManifest } from '../shared/run/manifest.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { settleFinished } from '../shared/run/settleFinished.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import { type ComputeOptions, openShardContext } from '../worker/openShardContext.ts';
import { openRunAssets, type RunAssets } from '../worker/runAssets.ts';
import { describeAppend } from './options/appendOption.ts';
import type { ControlFlags } from './options/controlOptions.ts';
import type { Observation } from './options/observeOptions.ts';
import type { LiveLine } from './output/liveLine.ts';
import { type EarlyEnd, isEarly } from './output/runOutcome.ts';
import type { RunSummary } from './output/summary.ts';
import { retireRun } from './retireRun.ts';
import { type RunHereOptions, type RunHereResult, runHere } from './runHere.ts';
import { ownRedis, type RunRedis, sharedRedis } from './runRedis.ts';

export interface RunCorpusOptions {
  readonly store: ObjectStore;
  /** How it is reached. */
  readonly s3: S3Options;
  readonly compute: ComputeOptions;
  readonly control: ControlFlags;
  /** The command line that ends a pause. */
  readonly resumeCommand: string;
  /** Takes up photographs that the corpus has got since. */
  readonly append: boolean;
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
  const { store, compute, control, resumeCommand, redisUrl, live, observation, signal, releasers } = options;
  const { note } = live;
  // Reached before anything is planned: a run that cannot be queued must not be written.
  const shared = redisUrl === undefined ? undefined : await sharedRedis(redisUrl, note, releasers);
  if (shared !== undefined) await unlessAborted(refuseCopy(shared.redis, store, options.s3), signal);
  const assets = await openRunAssets(config, note);
  let redis: RunRedis | undefined = shared;
  let work: { longestBlockMs: number; workSeconds: number } | undefined;
  while (true) {
    const planned = await planRun(config, store, {
      models: assets.runModels,
      signal,
      note,
      corpusS3: compute.corpusS3,
      append: options.append,
      onListed: live.listing,
    });
    live.listing('done');
    const { run, resumed, append } = planned;
    options.onPlanned(run);
    if (resumed) note(`resuming run ${run.runId}`);
    for (const line of append === undefined ? [] : describeAppend(append)) note(line);
    if (!(await settleFinished(store, run, signal))) {
      redis ??= await ownRedis(note, releasers);
      observation.watchRedis(redis.redis);
      const round = createReleasers();
      releasers.push('work', () => round.release());
      const worked = await workOnRun(
        run,
        { store, assets, compute, control, resumeCommand, redis, live, observation, releasers: round },
        signal,
      );
      if (isEarly(worked.end)) return { run, end: worked.end };
      await round.release();
      work = {
        longestBlockMs: Math.max(work?.longestBlockMs ?? 0, worked.longestBlockMs),
        workSeconds: (work?.workSeconds ?? 0) + worked.workSeconds,
      };
    }
    // What came first is done: now new photographs can be looked for.
    if (append?.status === 'waits') continue;
    const manifest = await requireManifest(store, run.runId);
    return { run, end: { status: 'complete', manifest, ...work } };
  }
}

interface Work
  extends Pick<
    RunCorpusOptions,
    'store' | 'compute' | 'control' | 'resumeCommand' | 'live' | 'observation' | 'releasers'
  > {
  readonly assets: RunAssets;
  readonly redis: RunRedis;
}

/** Queues and does what is left of a run. */
async function workOnRun(
  run: RunFile,
  { store, assets, compute, redis: { redis, lost }, live, observation, releasers, ...asked }: Work,
  signal: AbortSignal,
): Promise<RunHereResult & { readonly workSeconds: number }> {
  const queue = openShardQueue(redis, run.runId);
  releasers.push('queue', () => queue.close());
  const note = (line: string) => live.note(line);
  const context = await openShardContext(
    run,
    store,
    assets,
    { ...compute, ...observation.corpus, note, signal },
    releasers,
  );
  const ready = performance.now();
  const working = workToEnd({ redis, queue, context, live, observation, releasers, ...asked }, signal);
  const result = await Promise.race([working, lost]);
  live.finish();
  if (!isEarly(result.end)) await retireRun(redis, run.runId, store, live.note);
  return { ...result, workSeconds: (performance.now() - ready) / 1000 };
}

/** Feeds the queue and works on it, until the work here ends in one way or another. */
async function workToEnd(work: Omit<RunHereOptions, 'signal'>, signal: AbortSignal): Promise<RunHereResult> {
  const { redis, queue, context, observation } = work;
  const ended = new AbortController();
  // Before the worker looks whether the run has ended. What fails from now on has had its attempts.
  await unlessAborted(takeUpFailed(queue, context.store, signal), signal);
  const feeding = feedRun(context.run, context.store, {
    redis,
    queue,
    keepFailed: true,
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

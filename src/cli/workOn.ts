/** One run of those that `posecast work` works on: from its OUT to the end of the work on it here. */
import type { Redis } from 'ioredis';
import { registerAgain } from '../producer/feedRun.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { describeError, IntegrityError, PosecastError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/redis/queue.ts';
import { isRefusal } from '../shared/redis/redisRefusal.ts';
import { refuseCopy } from '../shared/redis/refuseCopy.ts';
import { requireRunFile } from '../shared/run/runFile.ts';
import { settleFinished } from '../shared/run/settleFinished.ts';
import { openStore } from '../shared/store/openStore.ts';
import { warnings } from '../shared/text/logFields.ts';
import { type ComputeOptions, openShardContext } from '../worker/openShardContext.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import type { RunHereEnd } from './endOfWork.ts';
import type { ControlFlags } from './options/controlOptions.ts';
import type { Observation } from './options/observeOptions.ts';
import type { RedisFlag } from './options/redisUrl.ts';
import { type StoreFlags, s3Options } from './options/storeOptions.ts';
import { resumeCommandLine } from './output/commandLine.ts';
import type { Log, LogFlags } from './output/log.ts';
import {
  earlyFacts,
  earlyOutcome,
  exitCodeOf,
  failedGoOn,
  formatEarlyOutcome,
  isEarly,
  sayFailures,
} from './output/runOutcome.ts';
import { retireRun } from './retireRun.ts';
import { runHere } from './runHere.ts';
import type { StopSignal } from './signals.ts';
import { unlessToldToEnd } from './unlessToldToEnd.ts';

export interface WorkOnFlags extends ControlFlags, StoreFlags, LogFlags, RedisFlag {
  /** Seconds that shards in work get after SIGTERM. */
  readonly grace: number;
}

/** What every run that this process works on shares. */
export interface WorkProcess {
  readonly redis: Redis;
  readonly flags: WorkOnFlags;
  readonly compute: ComputeOptions;
  readonly log: Log;
  readonly observation: Observation;
  readonly stop: StopSignal;
  readonly onAlive: () => void;
}

export async function workOn(
  out: string,
  { redis, flags, compute, log, observation, stop, onAlive }: WorkProcess,
  fromList = false,
): Promise<RunHereEnd> {
  const started = performance.now();
  const releasers = createReleasers();
  const live = log.live(`${compute.device}, ${compute.threads} threads`);
  const { note } = live;
  const toldToEnd = AbortSignal.any([stop.signal, stop.notice]);
  try {
    const onWarning = warnings(note);
    const store = await openStore(out, { onWarning, s3: s3Options(flags), ...observation.store });
    releasers.push('store', () => store.close());
    const run = await requireRunFile(store);
    // One that was taken from the list lies where the list says.
    if (!fromList) await unlessToldToEnd(refuseCopy(redis, store, s3Options(flags)), toldToEnd);
    live.about({ run: run.runId });
    /** Of an end that has no more to tell; a person has read it in the notes. */
    const printEnd = (end: RunHereEnd): void => {
      if (!flags.json) return;
      const seconds = (performance.now() - started) / 1000;
      const exitCode = exitCodeOf(end);
      const facts = { event: end.status, exitCode, runId: run.runId, out: store.uri, seconds };
      process.stdout.write(`${JSON.stringify(facts)}\n`);
    };
    const complete = async (): Promise<RunHereEnd> => {
      const end = { status: 'complete' } as const;
      await retireRun(redis, run.runId, store, note);
      note(`run ${run.runId} is complete`);
      printEnd(end);
      return end;
    };
    if (await settleFinished(store, run, stop.signal)) return await complete();
    const assets = await openRunAssets(run.config, note).catch(throwOwnDamage);
    const queue = openShardQueue(redis, run.runId);
    releasers.push('queue', () => queue.close());
    const context = await openShardContext(
      run,
      store,
      assets,
      { ...compute, ...observation.corpus, note, signal: stop.signal },
      releasers,
    ).catch(throwOwnDamage);
    if (!fromList) {
      const registered = registerAgain(redis, run, store).catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        // Whoever feeds the queue when it is empty registers the run, too.
        note(`the run is not put on the list of Redis (${describeError(error)})`);
      });
      await unlessToldToEnd(registered, toldToEnd);
    }
    const { end } = await runHere({
      redis,
      queue,
      context,
      live,
      observation,
      signal: stop.signal,
      releasers,
      control: flags,
      resumeCommand: resumeCommandLine(store.uri, flags),
      leaveWhenPaused: fromList,
      drain: { notice: stop.notice, graceMs: flags.grace * 1_000 },
      onAlive,
    });
    live.finish();
    if (end.status === 'complete') return await complete();
    if (!isEarly(end)) {
      printEnd(end);
      return end;
    }
    if (end.status === 'failed') sayFailures(end.failures, note);
    const goOn = end.status === 'failed' ? await failedGoOn(run, store, flags) : undefined;
    const outcome = await earlyOutcome(end, run, store, started, goOn);
    process.stdout.write(
      flags.json ? `${JSON.stringify(earlyFacts(outcome))}\n` : formatEarlyOutcome(outcome),
    );
    return end;
  } catch (error) {
    live.finish();
    throw error;
  } finally {
    await releasers.release();
  }
}

/** A model of this machine that is damaged is no damage of the run's: it ends the process. */
function throwOwnDamage(error: unknown): never {
  if (!(error instanceof IntegrityError)) throw error;
  throw new PosecastError(error.code, error.message, {}, error);
}

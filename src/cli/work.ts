/** `posecast work`: processes shards that somebody queued, here or on another machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { createReleasers } from '../shared/async/releasers.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { type Say, warnings } from '../shared/text/logFields.ts';
import { openLivenessFile } from '../worker/queue/consumptionWatch.ts';
import { refusePastDeadline } from './deadline.ts';
import type { RunHereEnd } from './endOfWork.ts';
import { EXIT, Interrupted } from './exit.ts';
import { addComputeOptions, type ComputeFlags, computeOptions } from './options/computeOptions.ts';
import { addControlOptions } from './options/controlOptions.ts';
import { addObserveOptions, type ObserveFlags, openObservation } from './options/observeOptions.ts';
import { seconds } from './options/optionValues.ts';
import { requireRedisUrl } from './options/redisUrl.ts';
import {
  addCorpusStoreOptions,
  addStoreOptions,
  type CorpusStoreFlags,
  s3Options,
} from './options/storeOptions.ts';
import { addLogOptions, openLog } from './output/log.ts';
import { sayPaused } from './output/pausedRuns.ts';
import { exitCodeOf } from './output/runOutcome.ts';
import { createRunChoice } from './runChoice.ts';
import { openStopSignal } from './signals.ts';
import { unlessToldToEnd } from './unlessToldToEnd.ts';
import { type WorkOnFlags, type WorkProcess, workOn } from './workOn.ts';

interface Flags extends WorkOnFlags, ComputeFlags, CorpusStoreFlags, ObserveFlags {
  readonly once: boolean;
  readonly livenessFile?: string;
}

/** Spot machines get 120 s; 30 of them are for handing back and for the notice to arrive. */
const GRACE_S = 90;

/** Between two looks for runs while there is none. */
const IDLE_MS = 2_000;

export function workCommand(): Command {
  const command = new Command('work')
    .description(
      'Processes queued shards on this machine. Start as many as you like, on as many machines as you like, ' +
        'before or after the run is submitted; each must see the corpus and OUT under the same paths.',
    )
    .argument(
      '[OUT]',
      'work on this run until it is finished (default: on every run that Redis knows, for ever)',
    )
    .option('--redis <url>', 'the Redis that holds the queue (default: REDIS_URL)')
    .option('--once', 'without OUT: exit when no run is left', false)
    .option('--json', 'one JSON object a line instead of text', false);
  addCorpusStoreOptions(addStoreOptions(command));
  addControlOptions(command)
    .optionsGroup('When to stop:')
    .option(
      '--grace <seconds>',
      'after SIGTERM, finish the shards in work that will be done within this time',
      seconds,
      GRACE_S,
    )
    .option(
      '--liveness-file <path>',
      'file rewritten every 5 to 10 s while this worker asks for jobs, makes progress or is paused; for a probe that ' +
        'checks its age',
    )
    .optionsGroup('Options:');
  addLogOptions(addObserveOptions(command));
  return addComputeOptions(command).addHelpText('after', EXAMPLES).action(work);
}

const EXAMPLES = `
Examples:
  posecast submit /data/faces s3://bucket/night-1 --redis redis://queue:6379
  posecast work s3://bucket/night-1 --redis redis://queue:6379     on each node
  REDIS_URL=redis://queue:6379 posecast work                       a node that takes whatever comes
  REDIS_URL=redis://queue:6379 posecast work --deadline 07:00      a node that is needed in the morning

SIGTERM takes no new shard, finishes those in work that fit into --grace and hands the others back; exit code 0. Ctrl-C
hands them all back at once. A second signal ends at once.

A worker that asks Redis for no job and makes no progress ends by itself (--stuck-after). For a probe from outside, such
as Kubernetes' livenessProbe: --liveness-file /tmp/alive, and  find /tmp/alive -mmin -15 | grep -q .

Exit codes: 0 the run is complete or SIGTERM came, 1 failed shards, too many rejected photographs, OUT cannot be used any
more, a thread of the worker died or it is stuck, 2 cannot be done as asked, 3 the deadline came first, 130 interrupted.
`;

async function work(out: string | undefined, flags: Flags): Promise<void> {
  const log = await openLog(flags);
  refusePastDeadline(flags.deadline, new Date());
  const { say } = log;
  const url = requireRedisUrl(flags, 'work');
  const releasers = createReleasers();
  const stop = openStopSignal(
    (name) => say(`${name}: handing shards back; once more to end at once`),
    (name) =>
      say(`${name}: no new shard is taken, ${flags.grace} s for those in work; once more to end at once`),
  );
  try {
    const onAlive =
      flags.livenessFile === undefined ? () => {} : await openLivenessFile(flags.livenessFile, warnings(say));
    const compute = await computeOptions(flags);
    const service = 'posecast-work';
    const observation = await openObservation({ flags, compute, service, say, releasers });
    const redis = await connectRedis(url, { warn: warnings(say) });
    releasers.push('redis connection', () => closeRedis(redis));
    observation.watchRedis(redis);
    const here = { redis, flags, compute, log, observation, stop, onAlive };
    if (out !== undefined) {
      const end = await workOn(out, here);
      process.exitCode = exitCodeOf(end);
      return;
    }
    await workOnAll(here, say);
  } catch (error) {
    if (stop.signal.aborted) throw new Interrupted('stopped; the shards in work are back in the queue');
    throw error;
  } finally {
    await releasers.release();
    stop.close();
  }
}

/** One run after the other, oldest first, as far as this machine can. */
async function workOnAll(here: WorkProcess & { readonly flags: Flags }, say: Say): Promise<void> {
  const { redis, flags, observation, stop, onAlive } = here;
  const choice = createRunChoice(redis, s3Options(flags), say);
  observation.watchPauses(() => choice.waitsForResume);
  // Once, and not at every look: both keep what is composed of them for as long as the process lives.
  const toldToEnd = AbortSignal.any([stop.signal, stop.notice]);
  const isLate = () => flags.deadline !== undefined && Date.now() >= flags.deadline.getTime();
  while (!isLate() && !stop.notice.aborted) {
    stop.signal.throwIfAborted();
    const next = await unlessToldToEnd(choice.next(), toldToEnd);
    if (toldToEnd.aborted) continue;
    onAlive();
    if (next !== undefined) {
      say(`run ${next.runId}: ${next.shards} shards, ${next.out}`, { run: next.runId });
      const end = await workOn(next.out, here, true).catch((error: unknown) => {
        stop.signal.throwIfAborted();
        choice.brokeOff(next.runId, error);
      });
      if (end === undefined) continue;
      await unlessToldToEnd(choice.ended(next.runId, end), toldToEnd);
      if (ENDS_PROCESS.includes(end.status)) {
        process.exitCode = exitCodeOf(end);
        return;
      }
      continue;
    }
    // Whatever started this process has to know of it; what else there was to do is done.
    const lacking = choice.lacking();
    if (lacking !== undefined) throw lacking;
    if (flags.once) {
      sayPaused(choice.paused, flags);
      break;
    }
    await sleep(IDLE_MS, undefined, { signal: toldToEnd }).catch(() => {});
  }
  // Who sends SIGTERM asks for the end of this process, and not for how runs ended.
  process.exitCode = stop.notice.aborted ? EXIT.ok : choice.exitCode();
}

/** Started again, a process has its threads again, and newer credentials. */
const ENDS_PROCESS: readonly RunHereEnd['status'][] = ['deadline', 'thread-died', 'store-unusable'];

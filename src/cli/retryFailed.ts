/** `posecast retry-failed`: takes failed shards, and shards with certain rejects, up again as a new generation. */
import { Command, InvalidArgumentError } from 'commander';
import type { FeedOptions } from '../producer/feedRun.ts';
import { queueRetry } from '../producer/queueRetry.ts';
import { chooseRetries, type RetryChoice, retryShards, STARTING_COMMAND } from '../producer/retryFailed.ts';
import type { Releasers } from '../shared/async/releasers.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import { ConfigError, describeError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { refuseCopy } from '../shared/redis/refuseCopy.ts';
import type { RetryGeneration } from '../shared/run/generationFile.ts';
import { requireRun } from '../shared/run/requireRun.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { addByCode } from '../shared/run/shardCommit.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { openStore } from '../shared/store/openStore.ts';
import { count, counted } from '../shared/text/counted.ts';
import { openTracing } from '../shared/tracing/openTracing.ts';
import { EXIT } from './exit.ts';
import { type RedisFlag, redisUrlOf } from './options/redisUrl.ts';
import { outOf, runIdOf } from './options/runAddress.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './options/storeOptions.ts';
import { workCommandLine } from './output/commandLine.ts';
import { countsByCode, labelledLines } from './output/format.ts';
import { printResult } from './output/printResult.ts';
import { stoppable } from './stoppable.ts';

const EPILOGUE = `
When every attempt at a shard has failed, a note in OUT/failures/ has the code of its error. This command gives such
shards new numbers in a new generation (OUT/generations/<n>.json), so they start afresh; nothing committed is changed.
With Redis, up to 10,000 are queued at once for running workers; shards that were never queued are not touched. Without
Redis, the command that started the run retries them, as it does shards that are not committed and have left no note.
That command refuses a corpus in which a photograph was replaced by a file of another size; \`posecast work OUT\` does
not, and needs a Redis, any one.

Without --codes, every failed shard is retried, and no rejected photograph. --codes names the ones to retry: codes of
failures, such as s3-failed or crashed (the shard's workers died), or of rejected photographs, such as read/missing, once
you have restored the photographs. The whole shard is done again, because a person's variants depend on all of their
photographs. The new result replaces the old one when the run is finished again; until then the manifest and its files
stay as they are. If several shards hold the same people (--append), one is retried at a time; run the command again for
those it counts as waiting. The manifest lists the generations. Every code of a rejected photograph: docs/output.md.

Examples:
  posecast retry-failed out/night-1
  posecast retry-failed s3://bucket/night-1 --codes s3-failed,crashed --redis redis://queue:6379
  posecast retry-failed out/night-1 --codes read/missing,read/unreadable && posecast run /data/faces out/night-1

Exit codes: 0 to be retried, or no shard has failed, 1 to be retried, but Redis did not take them, or the generation could
not be written, 2 there is no such run, or nothing has these codes.
`;

interface Flags extends StoreFlags, RedisFlag {
  readonly codes?: readonly string[];
  readonly json: boolean;
}

export function retryFailedCommand(): Command {
  const command = new Command('retry-failed')
    .description('Retries failed shards, as a new generation of the run.')
    .argument('<OUT|RUN_ID>', 'folder or s3://bucket/prefix of a run, or the id of a run that Redis knows')
    .option('--codes <list>', 'only these error codes, separated by commas', codeList)
    .option('--redis <url>', 'queue them on this Redis (default: REDIS_URL)')
    .option('--json', 'one JSON object', false);
  return addStoreOptions(command).addHelpText('after', EPILOGUE).action(retryFailed);
}

async function retryFailed(outOrRunId: string, flags: Flags): Promise<void> {
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const codes = flags.codes ?? null;
  const stopping = {
    stopped: 'stopped; the command that started the run goes on with what was taken up',
    onStop: () => note('stopping; once more to end at once'),
  };
  await stoppable(stopping, async (signal, releasers) => {
    const url = redisUrlOf(flags);
    const redis = url === undefined ? undefined : await connectRedis(url, { warn: note });
    if (redis !== undefined) releasers.push('redis connection', () => closeRedis(redis));
    const tracing = await openTracing({ asked: false, service: 'posecast-retry-failed', say: note });
    if (tracing !== undefined) releasers.push('traces', () => tracing.close());
    const store = await openStore(await outOf(outOrRunId, redis), { onWarning: note, s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    if (redis !== undefined) await unlessAborted(refuseCopy(redis, store, s3Options(flags)), signal);
    const run = await requireRun(store, runIdOf(outOrRunId));
    const choice = await chooseRetries(run, store, codes, signal);
    if (choice.failed.length + choice.rejecting.length === 0) {
      refuseWaiting(run, choice);
      nothing(run, choice, codes, flags);
      return;
    }
    const generation = await retryShards(run, store, choice, { codes, createdAt: new Date().toISOString() });
    const dispatch = redis && { redis, signal, tracing };
    const queueing = dispatch && (await queue(run, store, generation, choice, dispatch, releasers));
    const unknownCodes = (codes ?? []).filter((code) => !(code in choice.codes));
    report(run, store, generation, choice, unknownCodes, queueing, flags);
    if (queueing?.failure !== undefined) process.exitCode = EXIT.failures;
  });
}

/** Undefined: there was no Redis to queue on. */
type Queueing =
  | { readonly queued: number; readonly failure?: undefined }
  | { readonly queued: null; readonly failure: string }
  | undefined;

/** The generation stays, whatever Redis says: that it does not take the shards is no reason to leave it unsaid. */
async function queue(
  run: RunFile,
  store: ObjectStore,
  generation: RetryGeneration,
  choice: RetryChoice,
  dispatch: Omit<FeedOptions, 'queue'>,
  releasers: Releasers,
): Promise<Queueing> {
  const shardQueue = openShardQueue(dispatch.redis, run.runId);
  releasers.push('queue', () => shardQueue.close());
  try {
    const queueing = queueRetry(run, store, generation, choice, { ...dispatch, queue: shardQueue });
    return { queued: await unlessAborted(queueing, dispatch.signal) };
  } catch (error) {
    dispatch.signal.throwIfAborted();
    return { queued: null, failure: describeError(error) };
  }
}

function refuseWaiting({ runId }: RunFile, { waiting }: RetryChoice): void {
  if (waiting.length === 0) return;
  throw new ConfigError(
    'retry-waits',
    `retry-failed: ${shardCount(waiting.length)} must wait for other shards of the same people to be committed; ` +
      'finish the run, then repeat the command',
    { runId },
  );
}

function nothing(
  { runId }: RunFile,
  choice: RetryChoice,
  codes: readonly string[] | null,
  flags: Flags,
): void {
  const { missing } = choice;
  const notCommitted =
    `${shardCount(missing)} ${missing === 1 ? 'is' : 'are'} not committed: ` +
    'the command that started the run (posecast run or submit) takes up what is not in work';
  if (codes !== null) {
    // Those that were taken up before have no code any more.
    throw new ConfigError(
      'no-such-code',
      `retry-failed: expected codes that this run has, found none of them${missing === 0 ? '' : `; ${notCommitted}`}`,
      {
        codes: codes.join(' '),
        has: countsByCode(choice.codes).join(', ') || 'no failed shards',
        runId,
      },
    );
  }
  const line =
    missing === 0
      ? `no shard of run ${runId} has failed; rejected photographs are taken up by their --codes`
      : `no shard of run ${runId} has failed with a note in OUT/failures; ${notCommitted}`;
  printResult(flags, { event: 'nothing', runId, missing }, line);
}

function report(
  { runId }: RunFile,
  store: ObjectStore,
  { generation, replaces }: RetryGeneration,
  { failed, rejecting, waiting }: RetryChoice,
  unknownCodes: readonly string[],
  queueing: Queueing,
  flags: Flags,
): void {
  const photographsOf = (some: RetryChoice['rejecting']) =>
    some.reduce((sum, shard) => sum + shard.photographs, 0);
  const photographs = photographsOf(rejecting);
  if (flags.json) {
    const facts = {
      event: 'retry',
      runId,
      out: store.uri,
      generation,
      shards: replaces.length,
      failed: failed.map(({ shard, code, message }) => ({ shard, code, message })),
      rejecting: { shards: rejecting.length, photographs },
      waiting: { shards: waiting.length, photographs: photographsOf(waiting) },
      unknownCodes,
      queued: queueing?.queued ?? null,
      ...(queueing?.failure !== undefined && { notQueued: queueing.failure }),
    };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
    return;
  }
  const byCode: Record<string, number> = {};
  for (const { code } of failed) addByCode(byCode, { [code]: 1 });
  const lines: [string, string][] = [
    ...(failed.length === 0
      ? []
      : [
          ['failed', `${shardCount(failed.length)}: ${countsByCode(byCode).join(', ')}`] satisfies [
            string,
            string,
          ],
        ]),
    ...(rejecting.length === 0
      ? []
      : [
          [
            'rejects',
            `${shardCount(rejecting.length)}, in which photographs were rejected with these codes: ${count(photographs)}`,
          ] satisfies [string, string],
        ]),
    ...(waiting.length === 0
      ? []
      : [
          [
            'waiting',
            `${shardCount(waiting.length)} with people of shards that are done first; the same command again when the run is finished`,
          ] satisfies [string, string],
        ]),
    ...(unknownCodes.length === 0
      ? []
      : [['unknown', `nothing has these codes: ${unknownCodes.join(', ')}`] satisfies [string, string]]),
    ...(queueing?.failure === undefined ? [] : [['not queued', queueing.failure] satisfies [string, string]]),
    [
      'to go on',
      typeof queueing?.queued === 'number'
        ? `${workCommandLine(store.uri, flags)}; queued: ${shardCount(queueing.queued)}`
        : STARTING_COMMAND,
    ],
    ...(typeof queueing?.queued === 'number' || rejecting.length === 0
      ? []
      : [
          [
            '',
            'or, where a photograph was replaced by a file of another size, which that command refuses: ' +
              workCommandLine(store.uri, { ...flags, redis: 'URL' }),
          ] satisfies [string, string],
        ]),
  ];
  const head = `run ${runId}: ${shardCount(replaces.length)} taken up again as generation ${generation}`;
  process.stdout.write([head, ...labelledLines(lines), ''].join('\n'));
}

function shardCount(shards: number): string {
  return counted(shards, 'shard', 'shards');
}

function codeList(text: string): string[] {
  const codes = text.split(',').map((code) => code.trim());
  if (codes.every((code) => /^[\w-]+(\/[\w-]+)?$/.test(code))) return codes;
  throw new InvalidArgumentError('Expected codes separated by commas, such as crashed,read/missing.');
}

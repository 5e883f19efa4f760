/** `posecast status`: how far a run is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { Redis } from 'ioredis';
import { type RunStatus, readRunStatus } from '../producer/runStatus.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import { ConfigError, describeError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { readRunShards } from '../shared/run/generations.ts';
import { requireRun } from '../shared/run/requireRun.ts';
import { createRunTally } from '../shared/run/runTally.ts';
import { isPassing } from '../shared/store/isPassing.ts';
import { openStore } from '../shared/store/openStore.ts';
import { count, counted } from '../shared/text/counted.ts';
import { printable } from '../shared/text/printable.ts';
import { EXIT } from './exit.ts';
import { type RedisFlag, redisUrlOf } from './options/redisUrl.ts';
import { outOf, runIdOf } from './options/runAddress.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './options/storeOptions.ts';
import { workCommandLine } from './output/commandLine.ts';
import { countsByCode, labelledLines } from './output/format.ts';
import { isTerminal } from './output/lastLine.ts';
import { hasLostReader } from './output/lostReaders.ts';
import { stoppable } from './stoppable.ts';

const EPILOGUE = `
Finished shards, faces, variants and rejects are counted from the commits in OUT. Workers and the queue are shown
when --redis or REDIS_URL names a Redis that answers.

States: complete · paused (until \`posecast resume\`) · finishing (the manifest is being written) · running · waiting (no
worker) · failed (the remaining shards failed; submit again to retry) · not queued, or forgotten (\`posecast work OUT\`
goes on, and so does submitting again) · unknown (not complete, and no Redis was given, or none answered)

Examples:
  posecast status out/sample
  posecast status s3://bucket/night-1 --redis redis://queue:6379 --watch
  posecast status 20261123T220000-1a2b3c --json

Exit codes: 0 shown, 1 the run has failed: shards were given up and none is left to try, 2 there is no such run.
`;

/** Between two looks with --watch, in milliseconds. */
const WATCH_MS = 2_000;

interface Flags extends StoreFlags, RedisFlag {
  readonly watch: boolean;
  readonly json: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('Shows how far a run is.')
    .argument('<OUT|RUN_ID>', 'folder or s3://bucket/prefix of a run, or the id of a run that Redis knows')
    .option('--redis <url>', 'the Redis that holds the queue (default: REDIS_URL)')
    .option('--watch', 'look again every 2 s until the run is complete or has failed', false)
    .option('--json', 'JSON; with --watch one object a line', false);
  return addStoreOptions(command).addHelpText('after', EPILOGUE).action(status);
}

async function status(outOrRunId: string, flags: Flags): Promise<void> {
  await stoppable({ stopped: 'stopped watching; the run goes on' }, async (signal, releasers) => {
    const redis = await redisIfReachable(redisUrlOf(flags));
    if (redis !== undefined) releasers.push('redis connection', () => closeRedis(redis));
    const out = await outOf(outOrRunId, redis);
    const store = await openStore(out, { access: 'read', s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const run = await requireRun(store, runIdOf(outOrRunId));
    const queue = redis && openShardQueue(redis, run.runId);
    if (queue !== undefined) releasers.push('queue', () => queue.close());
    let shards = await readRunShards(store, run, signal);
    let tally = createRunTally(shards, store);
    /** True: there is no reason to look again. */
    const look = async (): Promise<boolean> => {
      const dispatch = redis && queue && { redis, queue };
      const reading = readRunStatus(run, store, tally, shards, dispatch, signal);
      // A Redis that is away answers when it is back, if ever.
      const found = await unlessAborted(reading, signal);
      show(found, flags);
      if (found.state === 'failed') process.exitCode = EXIT.failures;
      return !flags.watch || found.state === 'complete' || found.state === 'failed';
    };
    const lookAgain = async (): Promise<boolean> => {
      // OUT may have been deleted, and used again: what is known of the run before holds for no other.
      await requireRun(store, run.runId);
      const now = await readRunShards(store, run, signal);
      // A generation replaces shards or adds some: what counts is counted anew.
      if (now.numbers !== shards.numbers) [shards, tally] = [now, createRunTally(now, store)];
      return await look();
    };
    let isOver = await look();
    let isAway = false;
    while (!isOver && !hasLostReader(process.stdout)) {
      await sleep(WATCH_MS, undefined, { signal });
      try {
        isOver = await lookAgain();
        isAway = false;
      } catch (error) {
        // Workers wait for such a store, and so does who watches them.
        if (signal.aborted || !isPassing(error)) throw error;
        if (!isAway) say(`OUT does not answer, looking again (${describeError(error)})`);
        isAway = true;
      }
    }
  });
}

function say(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** The commits are in the store: a Redis that does not answer makes the answer shorter, not impossible. */
async function redisIfReachable(url: string | undefined): Promise<Redis | undefined> {
  if (url === undefined) return undefined;
  try {
    return await connectRedis(url, { warn: say });
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== 'no-redis') throw error;
    say(`queue and workers are not shown: ${describeError(error)}`);
    return undefined;
  }
}

function show(found: RunStatus, flags: Flags): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(found, null, flags.watch ? 0 : 2)}\n`);
    return;
  }
  // A terminal shows the newest state in place.
  if (flags.watch && isTerminal(process.stdout)) process.stdout.write('\x1b[H\x1b[2J');
  process.stdout.write(formatStatus(found, flags));
}

/** A status for a person; `flags` are for the command that goes on. */
export function formatStatus(status: RunStatus, flags: StoreFlags & RedisFlag): string {
  const { counters, queue, rejectsByCode } = status;
  const share = Math.floor((100 * status.shardsDone) / status.shardsTotal);
  const rejects = countsByCode(rejectsByCode);
  const lines: [string, string][] = [
    ['state', describeState(status, flags)],
    ['shards', `${count(status.shardsDone)} of ${count(status.shardsTotal)} (${share} %)`],
    ['faces', `${count(counters.faces)} of ${count(status.facesTotal)}`],
    ['variants', count(counters.variants)],
    ['rejects', rejects.length === 0 ? '0' : `${count(counters.rejected)}: ${rejects.join(', ')}`],
  ];
  for (const { generation, kind, createdAt, shards, added } of status.generations) {
    const what =
      added === undefined
        ? `${counted(shards, 'shard', 'shards')} done again`
        : `${counted(added.faces, 'photograph', 'photographs')} appended, ` +
          `with ${counted(added.subjects, 'new person', 'new people')}`;
    lines.push([`gen. ${generation}`, `${kind} ${createdAt}: ${what}`]);
  }
  if (queue !== undefined) {
    const { waiting, active, delayed, failed, workers } = queue;
    lines.push([
      'queue',
      `${count(waiting)} waiting, ${count(active)} in work, ${count(delayed)} to be tried again, ${count(failed)} failed`,
    ]);
    if (queue.paused)
      lines.push(['', 'paused in Redis: no worker gets a shard; resume it where it was paused (bull-board)']);
    lines.push(['workers', workers.length === 0 ? 'none' : String(workers.length)]);
    for (const { host, pid, device } of workers) lines.push(['', `${host} ${pid} ${device}`]);
  }
  for (const { shard, code, reason } of status.failures)
    lines.push(['failed', `shard ${shard}: ${code}: ${reason}`]);
  const shown = labelledLines(lines.map(([label, text]) => [label, printable(text)]));
  return [`run ${status.runId}  ${status.out}`, ...shown, ''].join('\n');
}

function describeState({ state, pausedSince, out }: RunStatus, flags: StoreFlags & RedisFlag): string {
  if (state === 'not queued') return `${state}; go on with: ${workCommandLine(out, flags)}`;
  return pausedSince === undefined ? state : `${state} since ${pausedSince}`;
}

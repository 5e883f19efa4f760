/**
 * How a run ended on this machine, for a person and for a machine. A complete run is told by `summary.ts`; every
 * other end says what is done, what is left and how to go on.
 */

import { chooseRetries, STARTING_COMMAND } from '../../producer/retryFailed.ts';
import { describeError, IntegrityError } from '../../shared/errors.ts';
import { readCommittedSet } from '../../shared/run/committedShards.ts';
import { readRunShards } from '../../shared/run/generations.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { count } from '../../shared/text/counted.ts';
import type { Say } from '../../shared/text/logFields.ts';
import type { ShardFailure } from '../../worker/runEnd.ts';
import { formatMoment } from '../deadline.ts';
import type { RunHereEnd } from '../endOfWork.ts';
import { EXIT, exitCodeOfError } from '../exit.ts';
import type { RedisFlag } from '../options/redisUrl.ts';
import type { StoreFlags } from '../options/storeOptions.ts';
import { retryFailedCommandLine, shownCommandLine } from './commandLine.ts';
import { labelledLines } from './format.ts';

/** An end before the run was complete. */
export type EarlyEnd = Exclude<RunHereEnd, { readonly status: 'complete' | 'paused' | 'drained' }>;

export function isEarly(end: RunHereEnd): end is EarlyEnd {
  return end.status !== 'complete' && end.status !== 'paused' && end.status !== 'drained';
}

/** Each shard that was given up, on a line of its own. */
export function sayFailures(failures: readonly ShardFailure[], say: Say): void {
  for (const { shard, reason } of failures) {
    say(`shard ${shard} failed for good: ${reason}`, { level: 'error', shard: Number(shard) });
  }
}

export interface EarlyOutcome {
  readonly runId: string;
  readonly out: string;
  readonly end: EarlyEnd;
  /** Of the run, by its commits. `done` is null when OUT does not tell any more. */
  readonly shards: { readonly done: number | null; readonly total: number };
  /** Of this command. */
  readonly seconds: number;
  /** The command line that goes on with the run, or words where it is not known. */
  readonly goOn: string;
}

/** Reasons shown to a person. */
const SHOWN = 5;

/** @param failedGoOn what takes failed shards up; absent: this command's own line does. */
export async function earlyOutcome(
  end: EarlyEnd,
  run: RunFile,
  store: ObjectStore,
  startedAt: number,
  failedGoOn?: string,
): Promise<EarlyOutcome> {
  return {
    runId: run.runId,
    out: store.uri,
    end,
    shards: await countShards(end, run, store),
    seconds: (performance.now() - startedAt) / 1000,
    goOn: goOn(end, failedGoOn),
  };
}

/** What takes failed shards up again: `retry-failed` finds only those that are noted in OUT. */
export async function failedGoOn(
  run: RunFile,
  store: ObjectStore,
  flags: RedisFlag & StoreFlags,
): Promise<string> {
  const retrying = retryFailedCommandLine(store.uri, flags);
  try {
    const { failed } = await chooseRetries(run, store, null);
    return failed.length > 0 ? retrying : STARTING_COMMAND;
  } catch (error) {
    // A damaged note does not make the end untold; the command says which it is.
    if (error instanceof IntegrityError) return retrying;
    throw error;
  }
}

async function countShards(
  end: EarlyEnd,
  run: RunFile,
  store: ObjectStore,
): Promise<{ done: number | null; total: number }> {
  try {
    return await readDone(run, store);
  } catch (error) {
    if (end.status === 'store-unusable') return { done: null, total: run.shards };
    throw error;
  }
}

async function readDone(run: RunFile, store: ObjectStore): Promise<{ done: number; total: number }> {
  const shards = await readRunShards(store, run);
  return { done: (await readCommittedSet(store, shards)).size, total: shards.places };
}

/** This process's command line, changed where the same one would end at once in the same way. */
function goOn(end: EarlyEnd, failedGoOn: string | undefined): string {
  const argv = process.argv.slice(2);
  switch (end.status) {
    case 'failed':
      return failedGoOn ?? shownCommandLine(argv);
    case 'store-unusable':
    case 'thread-died':
      return shownCommandLine(argv);
    case 'deadline':
      return shownCommandLine(argv, { options: ['--deadline'] });
    case 'too-many-rejects':
      return shownCommandLine(argv, {
        options: ['--max-failure-rate'],
        added: ['--max-failure-rate', '1'],
      });
  }
}

export function exitCodeOf(end: RunHereEnd): number {
  switch (end.status) {
    case 'complete':
    case 'paused':
    case 'drained':
      return EXIT.ok;
    case 'failed':
    case 'store-unusable':
    case 'thread-died':
    case 'too-many-rejects':
      return EXIT.failures;
    case 'deadline':
      return EXIT.deadline;
  }
}

/** The outcome for machines; `event` says which end it is. */
export function earlyFacts(outcome: EarlyOutcome): Readonly<Record<string, unknown>> {
  const { end, ...rest } = outcome;
  const { status, ...facts } = end;
  return { event: status, exitCode: exitCodeOf(end), ...rest, ...facts };
}

/** An error for machines: 'refused' when nothing was written, 'interrupted', or 'error'. */
export function errorFacts(error: unknown): Readonly<Record<string, unknown>> {
  const exitCode = exitCodeOfError(error);
  const event =
    exitCode === EXIT.badRequest ? 'refused' : exitCode === EXIT.interrupted ? 'interrupted' : 'error';
  return { event, exitCode, message: describeError(error) };
}

/** Which run it is and how far it is, after an error: as much of it as the store still tells. */
export async function runFacts(run: RunFile, store: ObjectStore): Promise<Readonly<Record<string, unknown>>> {
  const facts = { runId: run.runId, out: store.uri };
  try {
    return { ...facts, shards: await readDone(run, store) };
  } catch {
    // The store may be what the error is about.
    return facts;
  }
}

export function formatEarlyOutcome(outcome: EarlyOutcome): string {
  const { end, shards, runId } = outcome;
  const lines: [string, string][] = [
    ...reasonLines(end),
    [
      'shards',
      shards.done === null
        ? `${count(shards.total)}; how many are committed cannot be read now`
        : `${count(shards.done)} of ${count(shards.total)} committed, ${count(shards.total - shards.done)} left`,
    ],
    ['to go on', outcome.goOn],
  ];
  return [`run ${runId} ${headline(end, shards.done)}`, ...labelledLines(lines), ''].join('\n');
}

function headline(end: EarlyEnd, done: number | null): string {
  switch (end.status) {
    case 'failed':
      return `is not complete: shards failed for good; ${done === 0 ? 'nothing' : 'everything else'} is committed`;
    case 'store-unusable':
      return `stopped: ${end.code.startsWith('corpus-') ? 'the corpus cannot be read' : 'OUT cannot be used'}; what is committed stays`;
    case 'thread-died':
      return 'stopped: a thread of this process died; what is committed stays';
    case 'deadline':
      return `stopped for the deadline ${formatMoment(new Date(end.deadline))}`;
    case 'too-many-rejects': {
      const { photographs, rejected } = end.rejects;
      const percent = Math.floor((100 * rejected) / photographs);
      return (
        `stopped: ${count(rejected)} of the ${count(photographs)} photographs were rejected ` +
        `(${percent} %), more than --max-failure-rate ${end.limit} allows`
      );
    }
  }
}

function reasonLines(end: EarlyEnd): [string, string][] {
  switch (end.status) {
    case 'failed':
    case 'deadline':
      return [];
    case 'store-unusable':
    case 'thread-died':
      return [['reason', end.message]];
    case 'too-many-rejects': {
      const { reasons } = end.rejects;
      const lines = reasons
        .slice(0, SHOWN)
        .map(({ code, photographs, example }): [string, string] => [
          code,
          `${count(photographs)}${example === null ? '' : `, such as ${example.uri}: ${example.message}`}`,
        ]);
      const others = reasons.slice(SHOWN).reduce((sum, { photographs }) => sum + photographs, 0);
      return others === 0 ? lines : [...lines, ['others', count(others)]];
    }
  }
}

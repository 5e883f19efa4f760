/** Options about when this process stops; none of them changes what a run gives, so a resume may have others. */
import type { Command } from 'commander';
import { DEFAULT_MAX_REJECTED, JUDGED_AFTER } from '../../worker/rejectWatch.ts';
import { parseDeadline } from '../deadline.ts';
import { secondsOfQuiet, share } from './optionValues.ts';

export interface ControlFlags {
  readonly deadline?: Date;
  /** 0–1, of photographs that may be rejected. By --max-failure-rate: commander names it after the option. */
  readonly maxFailureRate?: number;
  /** Seconds. */
  readonly stuckAfter: number;
}

/** Longer than any stage of a shard takes without a sign of progress: writing a large table over a slow line. */
const STUCK_AFTER_S = 900;

export function addControlOptions(command: Command): Command {
  return command
    .optionsGroup('When to stop:')
    .option(
      '--deadline <time>',
      'end by 07:00 (the next seven o’clock here) or by 2026-11-25T07:00: no shard is started that cannot be ' +
        'finished by then, judged by the slowest of those finished before',
      (text) => parseDeadline(text, new Date()),
    )
    .option(
      '--max-failure-rate <share>',
      'stop when more than this share (0 to 1) of the photographs processed here is rejected; judged after ' +
        `${JUDGED_AFTER} photographs or, if you set this option, also on a smaller corpus once all of it is done ` +
        `(default: ${DEFAULT_MAX_REJECTED})`,
      share,
    )
    .option(
      '--stuck-after <seconds>',
      'exit with code 1 if, for this long (15 or more), no job is requested and no shard makes progress, although nothing ' +
        'is known to prevent it; waiting for Redis or the store, and pauses, do not count',
      secondsOfQuiet,
      STUCK_AFTER_S,
    )
    .optionsGroup('Options:');
}

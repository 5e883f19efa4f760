/** Decides how and when the work of this process on a run ends, where the run itself has not ended. */
import { describeError, type PosecastError, StoreUnusableError, ThreadDiedError } from '../shared/errors.ts';
import type { RejectReport } from '../worker/rejectWatch.ts';
import type { RunEnd } from '../worker/runEnd.ts';

/** How the work of this process on a run ends; the run itself may go on elsewhere. */
export type RunHereEnd =
  | RunEnd
  /** Only with `leaveWhenPaused`. */
  | { readonly status: 'paused' }
  /** Only with `drain`. */
  | { readonly status: 'drained' }
  /** OUT takes nothing more until somebody does something, or a thread of this process is dead. */
  | {
      readonly status: 'store-unusable' | 'thread-died';
      readonly code: string;
      readonly message: string;
    }
  /** `deadline`: ISO 8601. */
  | { readonly status: 'deadline'; readonly deadline: string }
  | { readonly status: 'too-many-rejects'; readonly limit: number; readonly rejects: RejectReport };

export interface EndOfWorkOptions {
  /** What stops the process; nothing is made of it here. */
  readonly stop: AbortSignal;
  readonly deadline: Date | undefined;
  readonly leaveWhenPaused: boolean;
}

export interface EndOfWork {
  /** Aborted when the work is to end. */
  readonly signal: AbortSignal;
  /** Aborted when the time that a drain leaves is over: nothing is waited for any more. */
  readonly drainOver: AbortSignal;
  /** The first end counts. */
  endWith(end: RunHereEnd): void;
  /** The work ends with an error, whatever end has come before it. */
  failWith(error: PosecastError): void;
  /**
   * Whether a shard that takes so long is done by the deadline; undefined: nobody knows. Once none is, no other may
   * start.
   */
  mayStart(estimateMs: number | undefined): boolean;
  /** What is in work is to end within the time. False: this has been said before, and counts. */
  drainWithin(graceMs: number): boolean;
  /** Ends the work if it is time to, as far as this shows it: called several times a second. */
  judge(now: WorkNow): void;
  /** The end that an error of the waiting stands for. Throws it where it stands for none. */
  endOf(error: unknown): RunHereEnd;
}

export interface WorkNow {
  /** Shards in work. */
  readonly inWork: number;
  readonly paused: boolean;
  /** The last step of the run is under way here. */
  readonly finishing: boolean;
}

export function createEndOfWork({ stop, deadline, leaveWhenPaused }: EndOfWorkOptions): EndOfWork {
  const ending = new AbortController();
  const drainOver = new AbortController();
  let first: RunHereEnd | undefined;
  let failure: PosecastError | undefined;
  /** A shard was handed back because it could not be finished in time. */
  let outOfTime = false;
  /** By `performance.now()`. */
  let drainedBy = Infinity;

  function endWith(end: RunHereEnd): void {
    first ??= end;
    ending.abort();
  }

  function judgeDrain(isIdle: boolean): void {
    if (drainedBy === Infinity) return;
    const isOver = performance.now() >= drainedBy;
    if (isOver) drainOver.abort();
    if (isOver || isIdle) endWith({ status: 'drained' });
  }

  function judgeDeadline(inWork: number): void {
    if (deadline === undefined) return;
    const isOver = Date.now() >= deadline.getTime();
    if (isOver || (outOfTime && inWork === 0)) {
      endWith({ status: 'deadline', deadline: deadline.toISOString() });
    }
  }

  return {
    signal: ending.signal,
    drainOver: drainOver.signal,
    endWith,
    failWith(error) {
      failure = error;
      ending.abort();
    },
    mayStart(estimateMs = 0) {
      outOfTime ||= deadline !== undefined && Date.now() + estimateMs >= deadline.getTime();
      return !outOfTime;
    },
    drainWithin(graceMs) {
      if (drainedBy < Infinity) return false;
      drainedBy = performance.now() + graceMs;
      return true;
    },
    judge({ inWork, paused, finishing }) {
      const isIdle = inWork === 0 && !finishing;
      judgeDrain(isIdle);
      judgeDeadline(inWork);
      if (leaveWhenPaused && paused && isIdle) endWith({ status: 'paused' });
    },
    endOf(error) {
      if (stop.aborted) throw failure ?? error;
      if (error instanceof StoreUnusableError) return unusable(error);
      if (failure !== undefined) throw failure;
      if (first === undefined) throw error;
      return first;
    },
  };
}

/** The end when nothing more can be written to OUT, or computed here. */
export function unusable(error: StoreUnusableError | ThreadDiedError): RunHereEnd {
  const status = error instanceof ThreadDiedError ? 'thread-died' : 'store-unusable';
  return { status, code: error.code, message: describeError(error) };
}

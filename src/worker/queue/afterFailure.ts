/**
 * What becomes of a shard after an error: it goes back to the queue as if it had not been taken, or its attempt has
 * failed.
 */
import { UnrecoverableError } from 'bullmq';
import {
  describeError,
  PermanentShardError,
  PosecastError,
  StoreUnusableError,
  ThreadDiedError,
  toError,
} from '../../shared/errors.ts';
import type { AttemptFailure } from '../workObserver.ts';
import { failureCode } from './recordFailure.ts';

export type AfterFailure =
  | { readonly kind: 'hand-back'; readonly because: 'thread-died' | 'told-to-stop' | 'store-away' }
  /** `error`: why nothing more can be written to OUT. */
  | { readonly kind: 'hand-back'; readonly because: 'store-unusable'; readonly error: StoreUnusableError }
  | {
      readonly kind: 'failed';
      readonly failure: AttemptFailure;
      /** What BullMQ is told. */
      readonly error: Error;
      /** The payload is no shard, and not always JSON. */
      readonly isBadJob: boolean;
    };

/** How things are in this process when the error is met. */
export interface FailureCircumstances {
  /** A thread of the process is dead, whichever shard it was. */
  readonly threadDied: boolean;
  /** The shard is to be handed back, be it for the end of the process or for a drain. */
  readonly toldToStop: boolean;
  /** Asked last: it looks at the stores. */
  readonly isStoreAway: (error: unknown) => Promise<boolean>;
}

/**
 * The first reason that holds counts: an error met while the process ends, or without its store, says nothing of the
 * shard.
 */
export async function afterFailure(
  error: unknown,
  { threadDied, toldToStop, isStoreAway }: FailureCircumstances,
): Promise<AfterFailure> {
  if (threadDied || error instanceof ThreadDiedError) return { kind: 'hand-back', because: 'thread-died' };
  if (toldToStop) return { kind: 'hand-back', because: 'told-to-stop' };
  if (error instanceof StoreUnusableError) return { kind: 'hand-back', because: 'store-unusable', error };
  if (await isStoreAway(error)) return { kind: 'hand-back', because: 'store-away' };
  return {
    kind: 'failed',
    failure: { code: failureCode(error), message: describeError(error) },
    error: attemptError(error),
    isBadJob: error instanceof PermanentShardError && error.code === 'bad-job',
  };
}

/** What BullMQ is told of a failed attempt. Its message goes to Redis and to logs: one line without secrets. */
function attemptError(thrown: unknown): Error {
  if (thrown instanceof PermanentShardError) return permanent(thrown);
  if (thrown instanceof PosecastError) return thrown;
  const { code = 'error' } = toError(thrown) as NodeJS.ErrnoException;
  return new PosecastError(code, describeError(thrown), {}, thrown);
}

/** BullMQ's word for "do not try again". */
function permanent(thrown: Error): UnrecoverableError {
  const error = new UnrecoverableError(thrown.message);
  error.cause = thrown;
  return error;
}

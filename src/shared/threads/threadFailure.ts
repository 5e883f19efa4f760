/** Errors on their way out of a thread: what of one travels, and what becomes of it. */
import {
  ConfigError,
  IntegrityError,
  PosecastError,
  StoreUnusableError,
  ThreadDiedError,
  toError,
} from '../errors.ts';
import type { ThreadFailure } from './protocol.ts';

export function describeFailure(thrown: unknown): ThreadFailure {
  const error = toError(thrown);
  return {
    name: error.name,
    code: error instanceof PosecastError ? error.code : undefined,
    message: error.message,
    stack: error.stack,
  };
}

/** Rebuilds the error of a thread; one that callers tell apart stays what it was. */
export function errorOfFailure(failure: ThreadFailure): Error {
  if (failure.code === undefined) {
    const error = new Error(failure.message);
    if (failure.stack !== undefined) error.stack = failure.stack;
    return error;
  }
  const Kind =
    [ConfigError, IntegrityError, StoreUnusableError, ThreadDiedError].find(
      ({ name }) => name === failure.name,
    ) ?? PosecastError;
  return new Kind(failure.code, failure.message);
}

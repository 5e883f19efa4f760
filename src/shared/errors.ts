/**
 * The errors of posecast. A message is one line: subject, what was expected, what was found, and the facts in
 * brackets at the end. Code that has to tell errors apart looks at the class or `code`, never at the text.
 */
import { printable } from './text/printable.ts';

/** Named facts shown in brackets at the end of a message: where, which key, which line. */
export type ErrorFacts = Record<string, string | number | boolean | undefined>;

function withFacts(message: string, facts: ErrorFacts): string {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined);
  if (shown.length === 0) return message;
  return `${message} [${shown.map(([key, value]) => `${key}=${String(value)}`).join(', ')}]`;
}

/**
 * Base of every error posecast throws on purpose: ends the process with exit code 1 where a subclass says nothing else.
 * Anything else that reaches the top is a bug or the machine.
 */
export class PosecastError extends Error {
  readonly code: string;
  readonly facts: ErrorFacts;

  constructor(code: string, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(printable(withFacts(message, facts)), cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/**
 * What the user asked for cannot be done as asked: unknown option, missing corpus, OUT of another run, unreachable
 * Redis. Nearly always thrown before anything is written. A run under way meets one too: a table that can no longer be
 * opened or has lost its columns (`tableRejection` makes rejections of its photographs), a folder without hard links for
 * a commit, and a file of OUT that the user may not read. Exit code 2. Caught by the dashboard, which shows it and goes
 * on, by `posecast verify`, for which such a file is damaged, and by a worker without OUT, which does other runs.
 */
export class ConfigError extends PosecastError {}

/**
 * A shard can never succeed however often it is tried (broken listing, wrong model): no retry. Caught by the worker,
 * which gives the shard up and goes on; the run ends with exit code 1.
 */
export class PermanentShardError extends PosecastError {}

/**
 * What is in the store or the cache is not what was written: truncated, altered, of another version. Exit code 1.
 * Caught by `posecast verify`, which lists it, by a worker, for which it is a failed attempt inside a shard, and by a
 * worker without OUT, which does other runs and looks again later.
 */
export class IntegrityError extends PosecastError {}

/**
 * The store cannot be written (disk full, read-only, bucket gone, credentials expired), or the corpus's store cannot be
 * read (codes starting with `corpus-`), until somebody intervenes. Caught by the worker: the process stops with exit
 * code 1; shards in work go back without using up an attempt.
 */
export class StoreUnusableError extends PosecastError {}

/**
 * A thread of this process is dead, and what it alone could do is not done any more. Caught by the worker: the process
 * hands its shards back and ends with exit code 1. A shard that was there counts as one whose process died.
 */
export class ThreadDiedError extends PosecastError {}

/** Wraps anything thrown into an Error, keeping the original as cause. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

/** One line for a person: the message, and the messages of its causes where they add something. */
export function describeError(thrown: unknown): string {
  const parts: string[] = [];
  for (let error: unknown = thrown; error !== undefined && parts.length < 4; ) {
    const message = printable(toError(error).message.split('\n')[0] ?? '');
    if (message !== '' && !parts.some((part) => part.includes(message))) parts.push(message);
    error = error instanceof Error ? error.cause : undefined;
  }
  return parts.join(': ');
}

/** Exit codes of every command, as `posecast --help` documents them. */
import { ConfigError, PosecastError } from '../shared/errors.ts';

export const EXIT = { ok: 0, failures: 1, badRequest: 2, deadline: 3, interrupted: 130 } as const;

/** Thrown by a command that a signal stopped, after it has put everything in order. */
export class Interrupted extends PosecastError {
  constructor(message: string) {
    super('interrupted', message);
  }
}

/** The exit code of a command that ended with an error. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.badRequest;
  return error instanceof Interrupted ? EXIT.interrupted : EXIT.failures;
}

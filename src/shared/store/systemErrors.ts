/** What the operating system says when a file operation fails. */
import { ConfigError, toError } from '../errors.ts';

/** Its code, as `ENOENT`; empty: another error. */
export function errorCode(error: unknown): string {
  return (toError(error) as NodeJS.ErrnoException).code ?? '';
}

/** For catch: swallows these system errors, passes every other one on. */
export function ignore(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(errorCode(error))) throw error;
    return undefined;
  };
}

/** Whether the rights of a file or a folder forbid to this user what was asked for. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(errorCode(error));
}

/**
 * For catch: what this user may not read is a ConfigError, not-readable; passes every other error on.
 * @param place default: the path that the system names.
 */
export function notReadable(what: string, place?: string): (error: unknown) => never {
  return (error) => {
    if (!isForbidden(error)) throw error;
    const path = place ?? (error as NodeJS.ErrnoException).path;
    throw new ConfigError(
      'not-readable',
      `${what}: expected to be allowed to read it, found it forbidden; change its rights, or go on as a user who may`,
      { path, user: process.geteuid?.() },
      error,
    );
  };
}

/** What the operating system says when a file operation fails. */
import { toError } from '../errors.ts';

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

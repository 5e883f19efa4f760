/** What becomes of the photographs of a table that cannot be read. */
import { ConfigError, describeError, PosecastError } from '../errors.ts';
import { isOfOneObject, type Rejected, rejected } from './corpusSource.ts';

/**
 * The rejection of the photographs of a table that is gone, broken or without the columns of the run: other tables may
 * be as they were listed. Throws what fails all photographs alike: the service, the disk, the credentials.
 */
export function tableRejection(error: unknown, uri: string): Rejected {
  return rejected(codeOfTable(error), `table cannot be read: ${describeError(error)} [file=${uri}]`);
}

function codeOfTable(error: unknown): string {
  if (error instanceof ConfigError) return String(error.facts.code ?? error.code);
  if (isOfOneObject(error)) return error.code;
  if (error instanceof PosecastError || (error instanceof Error && 'syscall' in error)) throw error;
  return 'broken-table';
}

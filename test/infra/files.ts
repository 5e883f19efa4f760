/** The fleet's files as the tests read them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';

export const infra = join(packageRoot, 'infra');

export function infraFile(...path: readonly string[]): string {
  return readFileSync(join(infra, ...path), 'utf8');
}

/** The photograph that `--batch probe` tries batches on: one of the samples, which come with the code. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../shared/errors.ts';
import { packageRoot } from '../../shared/package.ts';

const PLACE = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');

/** For the start of a command. @throws ConfigError where this copy of posecast came without its samples. */
export async function requireProbePhotograph(): Promise<void> {
  try {
    await access(PLACE);
  } catch (error) {
    const expected = 'expected a photograph of the samples to try sizes on, found none that can be read';
    throw new ConfigError('no-samples', `--batch probe: ${expected}`, { path: PLACE }, error);
  }
}

/** As it is in its file. */
export function readProbePhotograph(): Promise<Uint8Array> {
  return readFile(PLACE);
}

/** A corpus of some of the sample photographs, that grows. */
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';

const SAMPLES = join(packageRoot, 'samples', 'london');

/** Copies samples into `corpus`. @param names such as `001/neutral`. */
export async function addSamples(corpus: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = join(corpus, `${name}.jpg`);
    await mkdir(dirname(file), { recursive: true });
    await copyFile(join(SAMPLES, `${name}.jpg`), file);
  }
}

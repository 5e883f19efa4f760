/** A corpus of more people than the samples have: each sample person several times, under other names. */
import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';

/** 12 people of two photographs for each copy, as hard links where the files can be linked. */
export async function repeatedSamples(corpus: string, copies: number): Promise<string> {
  const samples = join(packageRoot, 'samples', 'london');
  for (const person of await readdir(samples)) {
    const photographs = await readdir(join(samples, person));
    for (let copy = 0; copy < copies; copy++) {
      const folder = join(corpus, `${person}-${copy}`);
      await mkdir(folder, { recursive: true });
      for (const name of photographs) {
        await link(join(samples, person, name), join(folder, name)).catch(() =>
          copyFile(join(samples, person, name), join(folder, name)),
        );
      }
    }
  }
  return corpus;
}

/** Photographs for tests: the sample corpus of the repository, and the data sets beside it where they exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';

export interface Photograph {
  readonly subjectId: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/** The sample corpus: 12 people, two photographs each. */
export function samplePhotographs(people = 12): Photograph[] {
  const root = join(packageRoot, 'samples', 'london');
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .slice(0, people)
    .flatMap(({ name: subjectId }) =>
      readdirSync(join(root, subjectId))
        .filter((name) => name.endsWith('.jpg'))
        .map((name) => ({ subjectId, name, bytes: readFileSync(join(root, subjectId, name)) })),
    );
}

const shared = join(packageRoot, '..', 'shared');

/** A file beside the repository, or why the test that needs it is skipped. */
export function sharedFile(path: string): { readonly path: string; readonly skip: string | false } {
  const full = join(shared, path);
  return { path: full, skip: existsSync(full) ? false : `needs ../shared/${path}` };
}

/** The photographs of a folder that holds one folder a person. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const IMAGE = /\.(jpe?g|png|webp|gif|tiff?|pgm|ppm)$/i;

export interface Photograph {
  readonly subjectId: string;
  readonly path: string;
}

/** By person, each person's by name. */
export async function listPhotographs(folder: string): Promise<Photograph[]> {
  const photographs: Photograph[] = [];
  const people = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const person of people.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const name of (await readdir(join(folder, person.name))).filter((file) => IMAGE.test(file)).sort()) {
      photographs.push({ subjectId: person.name, path: join(folder, person.name, name) });
    }
  }
  return photographs;
}

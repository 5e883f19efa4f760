/** The three groups of people of a fold of the corrected KDEF protocol. */
import { ConfigError } from '../../shared/errors.ts';
import { kdefSubjectOf } from '../../shared/labels/kdefName.ts';
import { seededRandom, shuffle } from '../../shared/random.ts';
import type { KdefFace } from './kdefFaces.ts';

export interface CorrectedOptions {
  readonly folds: number;
  readonly seed: number;
}

/** Faces of one fold; no person is in two groups. */
export interface KdefGroups {
  readonly fold: number;
  readonly test: readonly KdefFace[];
  readonly generator: readonly KdefFace[];
  readonly classifier: readonly KdefFace[];
}

/** Splits people, never faces, into folds; the others of a fold are halved. */
export function groupPeople(faces: readonly KdefFace[], options: CorrectedOptions): KdefGroups[] {
  const byPerson = new Map<string, KdefFace[]>();
  for (const face of faces) {
    const subjectId = kdefSubjectOf(face.labels);
    byPerson.set(subjectId, [...(byPerson.get(subjectId) ?? []), face]);
  }
  const people = shuffle(seededRandom(options.seed, 'kdef-people'), [...byPerson.keys()].sort());
  const perFold = Math.floor(people.length / options.folds);
  const others = people.length - Math.ceil(people.length / options.folds);
  if (options.folds < 2 || perFold < 2 || others < 2) {
    throw new ConfigError(
      'too-few-kdef-people',
      'KDEF protocol: expected at least two people in each fold and two others, found too few',
      { people: people.length, folds: options.folds },
    );
  }
  const facesOf = (chosen: readonly string[]) => chosen.flatMap((person) => byPerson.get(person) ?? []);
  return Array.from({ length: options.folds }, (_, fold) => {
    const rest = people.filter((_, i) => i % options.folds !== fold);
    return {
      fold,
      test: facesOf(people.filter((_, i) => i % options.folds === fold)),
      generator: facesOf(rest.slice(0, Math.ceil(rest.length / 2))),
      classifier: facesOf(rest.slice(Math.ceil(rest.length / 2))),
    };
  });
}

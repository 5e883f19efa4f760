/**
 * People who are in CORPUS and among the distractors: each of them is two classes, and a probe that is told for the
 * other one counts as wrong.
 */
import { ConfigError } from '../shared/errors.ts';
import type { KnownPerson } from './leakage.ts';

/** Somebody of a corpus whose photographs were looked at. */
export interface EmbeddedPerson extends KnownPerson {
  /** False: left out, for too few photographs. */
  readonly takesPart: boolean;
}

export interface SharedPerson {
  /** Name in CORPUS. */
  readonly evaluated: string;
  /** Name among the distractors. */
  readonly distractor: string;
}

/**
 * Everybody of CORPUS of whom a distractor has a photograph, by equal hashes of aligned crops: the same bytes have the
 * same crop, and a photograph without a face, as two sets may have for nobody, is in no class. Crops that only look
 * alike are no error: of the pairs of two large sets some do by chance. Names say nothing: two sets may both have a 001.
 * Whoever is left out of one of the two is one class at most.
 */
export function findShared(people: readonly EmbeddedPerson[]): SharedPerson[] {
  const distractorOf = new Map<string, string>();
  const classed = people.filter(({ takesPart }) => takesPart);
  for (const { role, subjectId, crops } of classed) {
    if (role === 'distractors') for (const crop of crops) distractorOf.set(crop, subjectId);
  }
  return classed.flatMap(({ role, subjectId, crops }) => {
    if (role !== 'evaluated') return [];
    const same = crops.find((crop) => distractorOf.has(crop));
    return same === undefined ? [] : [{ evaluated: subjectId, distractor: distractorOf.get(same)! }];
  });
}

/** People that an error names. */
const SHOWN = 6;

/** @throws ConfigError naming the people and what to do. */
export function refuseShared(shared: readonly SharedPerson[]): void {
  if (shared.length === 0) return;
  const shown = shared
    .slice(0, SHOWN)
    .map(({ evaluated, distractor }) =>
      evaluated === distractor ? evaluated : `${evaluated} (there ${distractor})`,
    );
  const more = shared.length > SHOWN ? ` and ${shared.length - SHOWN} more` : '';
  throw new ConfigError(
    'shared-people',
    `evaluation: expected distractors with photographs of nobody in CORPUS, found ${shared.length} people in both: ` +
      `${shown.join('; ')}${more}; leave them out of one of the two`,
    { people: shared.length },
  );
}

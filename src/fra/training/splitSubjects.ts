/** Who trains and who validates: people, never photographs, are divided. */
import { createHash } from 'node:crypto';
import { ConfigError } from '../../shared/errors.ts';

export interface SubjectSplit {
  readonly training: readonly string[];
  readonly validation: readonly string[];
}

/**
 * Divides people by a digest of seed and name, so that adding one person moves nobody else across. `share` of the
 * people (at least two) validate.
 *
 * @throws ConfigError with fewer than six people: two to validate and four to tell apart.
 */
export function splitSubjects(subjects: Iterable<string>, share: number, seed: number): SubjectSplit {
  const ranked = [...new Set(subjects)]
    .map((subject) => ({ subject, rank: subjectDigest(`${seed}/${subject}`) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  if (ranked.length < 6) {
    throw new ConfigError('too-few-people', 'training needs at least 6 people with a usable face', {
      found: ranked.length,
    });
  }
  const count = Math.min(Math.max(2, Math.round(share * ranked.length)), ranked.length - 4);
  const names = ranked.map(({ subject }) => subject);
  return { validation: names.slice(0, count).sort(), training: names.slice(count).sort() };
}

/** sha256 of a person's name in the corpus, as a model card lists it. */
export function subjectDigest(subject: string): string {
  return createHash('sha256').update(subject).digest('hex');
}

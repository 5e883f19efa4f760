/** Who trains and who validates: people, never photographs, are divided. */
import { ConfigError } from '../../shared/errors.ts';
import { sha256Hex } from '../../shared/sha256.ts';

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

/** A sample as far as the division of people is concerned. */
export interface OwnedSample {
  readonly subjectId: string;
  /** For somebody who does not exist: the people they are made of. Empty for real people. */
  readonly origin: readonly string[];
}

export interface SampleSplit<T> {
  /** Real people only. */
  readonly subjects: SubjectSplit;
  /** Of training people, and of invented people made of training people alone. */
  readonly training: readonly T[];
  /** Of validation people. Invented people never validate; mixtures of both sides are left out. */
  readonly validation: readonly T[];
}

/** The samples of both sides; `peopleLimit` keeps a seeded choice of that many training people. */
export function splitSamples<T extends OwnedSample>(
  samples: readonly T[],
  share: number,
  seed: number,
  peopleLimit: number | null,
): SampleSplit<T> {
  const isReal = ({ origin }: T) => origin.length === 0;
  const all = splitSubjects(
    samples.filter(isReal).map(({ subjectId }) => subjectId),
    share,
    seed,
  );
  const training =
    peopleLimit === null || peopleLimit >= all.training.length
      ? all.training
      : [...all.training]
          .map((subject) => ({ subject, rank: subjectDigest(`${seed}/limit/${subject}`) }))
          .sort((a, b) => (a.rank < b.rank ? -1 : 1))
          .slice(0, peopleLimit)
          .map(({ subject }) => subject)
          .sort();
  const trains = new Set(training);
  const validates = new Set(all.validation);
  return {
    subjects: { training, validation: all.validation },
    training: samples.filter((sample) =>
      isReal(sample) ? trains.has(sample.subjectId) : sample.origin.every((subject) => trains.has(subject)),
    ),
    validation: samples.filter((sample) => isReal(sample) && validates.has(sample.subjectId)),
  };
}

/** sha256 of a person's name in the corpus, as a model card lists it. */
export function subjectDigest(subject: string): string {
  return sha256Hex(subject);
}

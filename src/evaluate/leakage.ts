/**
 * Leakage: people whom a model learned from must not be evaluated with it. Found by name, by the bytes of a photograph
 * and by the look of its aligned crop, as far as the model's card has records of them.
 */
import type { FraCard } from '../fra/modelCard.ts';
import { subjectDigest } from '../fra/training/splitSubjects.ts';
import { ConfigError } from '../shared/errors.ts';
import { cropHashBytes, hashDistance, SAME_CROP_BITS } from '../shared/photographDigest.ts';
import type { CorpusCounts, LEAK_KINDS, Leakage } from './result.ts';

type LeakKind = (typeof LEAK_KINDS)[number];

/** What is known of training data; names alone for a file of samples. */
export interface TrainingRecord {
  readonly model: string;
  readonly subjects: number;
  readonly subjectDigests: readonly string[];
  readonly photographDigests?: readonly string[] | undefined;
  readonly cropHashes?: readonly string[] | undefined;
}

export function trainingRecord({ name, training }: FraCard): TrainingRecord {
  const { subjects, subjectDigests, photographDigests, cropHashes } = training;
  return {
    model: name,
    subjects,
    subjectDigests,
    // Empty: they were never recorded, which is not the same as nothing found.
    photographDigests: photographDigests.length === 0 ? undefined : photographDigests,
    cropHashes: cropHashes.length === 0 ? undefined : cropHashes,
  };
}

/** A person who is to be evaluated, or a distractor. */
export interface KnownPerson {
  readonly subjectId: string;
  readonly role: CorpusCounts['role'];
  /** sha256 of every photograph that could be read. */
  readonly photographs: readonly string[];
  /** `cropHash` of every photograph whose face was found. */
  readonly crops: readonly string[];
}

/** `subjectPrefix` is put before names when they are compared: for equal names of different people. */
export function findLeaks(
  records: readonly TrainingRecord[],
  people: readonly KnownPerson[],
  subjectPrefix = '',
): Leakage {
  const findings = records.flatMap((record) => {
    const names = new Set(record.subjectDigests);
    const photographs = new Set(record.photographDigests ?? []);
    const hashes = (record.cropHashes ?? []).map(cropHashBytes);
    return people.flatMap((person) => {
      const foundBy: LeakKind[] = [];
      if (names.has(subjectDigest(subjectPrefix + person.subjectId))) foundBy.push('name');
      if (person.photographs.some((digest) => photographs.has(digest))) foundBy.push('photograph');
      if (person.crops.some((hash) => looksLikeOne(cropHashBytes(hash), hashes)))
        foundBy.push('look-alike crop');
      if (foundBy.length === 0) return [];
      return [{ model: record.model, corpus: person.role, subjectId: person.subjectId, foundBy }];
    });
  });
  return {
    status: records.length === 0 ? 'not-checked' : findings.length === 0 ? 'clean' : 'leaked',
    models: records.map((record) => ({
      model: record.model,
      trainingSubjects: record.subjects,
      checkedBy: [
        'name',
        ...(record.photographDigests === undefined ? [] : ['photograph' as const]),
        ...(record.cropHashes === undefined ? [] : ['look-alike crop' as const]),
      ],
    })),
    findings,
  };
}

/** Whether a crop's hash is that of one of the others, give or take what another encoding changes. */
function looksLikeOne(hash: Uint8Array, known: readonly Uint8Array[]): boolean {
  return known.some((other) => hashDistance(hash, other) <= SAME_CROP_BITS);
}

/** People that an error names. */
const SHOWN = 6;

/** @throws ConfigError naming the people, how they were found and what to do. */
export function refuseLeaks({ findings }: Leakage): void {
  if (findings.length === 0) return;
  const people = [...new Set(findings.map(({ subjectId }) => subjectId))];
  const kinds = [...new Set(findings.flatMap(({ foundBy }) => foundBy))];
  const shown = findings
    .slice(0, SHOWN)
    .map(({ subjectId, corpus, foundBy }) => `${subjectId} (${corpus}; same ${foundBy.join(', ')})`);
  const more = findings.length > SHOWN ? ` and ${findings.length - SHOWN} more` : '';
  const byNameOnly = kinds.length === 1 && kinds[0] === 'name';
  const remedy = byNameOnly
    ? 'leave them out, or say --subject-prefix when they are other people of the same name'
    : 'leave them out, or take a model that did not learn from them';
  throw new ConfigError(
    'leakage',
    `evaluation: ${people.length} people are among those the model was trained on: ${shown.join('; ')}${more}; ` +
      `${remedy}; --allow-leakage goes on and marks every page`,
    { model: [...new Set(findings.map(({ model }) => model))].join(' '), foundBy: kinds.join(' ') },
  );
}

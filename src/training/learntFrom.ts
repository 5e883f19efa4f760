/**
 * Whom and which photographs a model has learnt from: those of its own corpus, and those of every model that gave it an
 * autoencoder or a part of its generator. An evaluation looks for its people among them (`evaluate/leakage.ts`).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openFraModel } from '../fra/fraModel.ts';
import type { FraCard } from '../fra/modelCard.ts';
import { ConfigError } from '../shared/errors.ts';
import { readRecords } from './photographRecords.ts';

/** As a card lists them. Photographs and crops: empty where they were never recorded. */
export type LearntFrom = Pick<FraCard['training'], 'subjectDigests' | 'photographDigests' | 'cropHashes'>;

/**
 * What FRA models, and trainings without a card yet, say of themselves.
 *
 * @throws ConfigError when one of them does not say it.
 */
export function learntFrom(folders: readonly string[]): Promise<LearntFrom[]> {
  return Promise.all([...new Set(folders)].map(recordOf));
}

async function recordOf(folder: string): Promise<LearntFrom> {
  if (existsSync(join(folder, 'card.json'))) return (await openFraModel(folder)).card.training;
  const records = await readRecords(join(folder, 'work', 'photographs.json'));
  if (records !== undefined) return records;
  if (!existsSync(join(folder, 'work'))) {
    throw new ConfigError(
      'no-model',
      '--autoencoder, --parts: expected a FRA model or a training, found neither',
      {
        folder,
      },
    );
  }
  throw new ConfigError(
    'no-training-record',
    '--autoencoder: expected a training that says whom it learnt from; go on with that one first, by --resume',
    { folder },
  );
}

/** Everybody and every photograph, sorted. */
export function together(all: readonly LearntFrom[]): LearntFrom {
  const union = (list: keyof LearntFrom) => [...new Set(all.flatMap((one) => one[list]))].sort();
  // A list that lacks some would be taken for the whole.
  const unionIfKnown = (list: keyof LearntFrom) =>
    all.some((one) => one[list].length === 0) ? [] : union(list);
  return {
    subjectDigests: union('subjectDigests'),
    photographDigests: unionIfKnown('photographDigests'),
    cropHashes: unionIfKnown('cropHashes'),
  };
}

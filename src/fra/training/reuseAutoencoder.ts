/** An autoencoder that was trained before, from a FRA model folder or from the checkpoint of a training. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../shared/errors.ts';
import { readAutoencoder } from '../export/exportAutoencoder.ts';
import { openFraModel } from '../fraModel.ts';
import type { NamedWeights } from '../networks/weights.ts';
import { readCheckpoint } from './checkpoint.ts';
import { subjectDigest } from './splitSubjects.ts';

export interface ReusedAutoencoder {
  readonly weights: NamedWeights;
  readonly step: number;
  /** sha256 of encoder.onnx; null when it comes from a checkpoint, whose codes are not scaled yet. */
  readonly encoderSha256: string | null;
}

const taskSchema = z.looseObject({ task: z.looseObject({ validationPeople: z.string() }) });

/** People as one digest: of those who validated, a checkpoint and a card of one division have the same. */
export function peopleDigest(people: readonly string[]): string {
  return divisionDigest(people.map(subjectDigest));
}

/** The same of digests, as a card holds them. */
export function divisionDigest(digests: readonly string[]): string {
  return subjectDigest([...digests].sort().join('\n'));
}

/** People whose faces turn out unusable may move the border of a division by so many. */
const BORDER = 2;

/**
 * Refuses at once what `reuseAutoencoder` would refuse after all photographs have been rendered.
 *
 * @param validation names of the people who validate if all photographs are usable.
 * @throws ConfigError when clearly other people validated there.
 */
export async function checkDivision(folder: string, validation: readonly string[]): Promise<void> {
  if (!existsSync(join(folder, 'card.json'))) return;
  const { card } = await openFraModel(folder);
  const there = new Set(card.training.validationDigests);
  const known = new Set(card.training.subjectDigests);
  const here = validation.map(subjectDigest);
  const missing = [...there].filter((digest) => !here.includes(digest)).length;
  const added = here.filter((digest) => known.has(digest) && !there.has(digest)).length;
  if (missing + added > BORDER) throw otherDivision(folder);
}

function otherDivision(folder: string): ConfigError {
  return new ConfigError(
    'other-split',
    '--autoencoder: expected a model or training with the same validation people, found others',
    { folder },
  );
}

/**
 * @param folder a FRA model, or OUT of a training whose autoencoder is finished.
 * @param validation names of the people who validate now.
 * @throws ConfigError when other people validated there: what is measured on ours would be learnt from them.
 */
export async function reuseAutoencoder(
  folder: string,
  validation: readonly string[],
): Promise<ReusedAutoencoder> {
  const wanted = peopleDigest(validation);
  const refuse = (reason: string, code: string) =>
    new ConfigError(code, `--autoencoder: ${reason}`, { folder });
  if (existsSync(join(folder, 'card.json'))) {
    const { card, paths } = await openFraModel(folder);
    if (divisionDigest(card.training.validationDigests) !== wanted) {
      throw otherDivision(folder);
    }
    const network = { channels: card.architecture.autoencoder.channels };
    return {
      weights: readAutoencoder(await readFile(paths.encoder), await readFile(paths.decoder), network),
      step: card.training.autoencoderSteps,
      encoderSha256: card.files['encoder.onnx'].sha256,
    };
  }
  const path = join(folder, 'work', 'autoencoder.checkpoint');
  if (!existsSync(path)) {
    throw refuse('expected a FRA model or a training with a checkpoint', 'no-autoencoder');
  }
  const { config, state, groups } = await readCheckpoint(path);
  const task = taskSchema.safeParse(config);
  if (!task.success || task.data.task.validationPeople !== wanted) {
    throw otherDivision(folder);
  }
  if (!state.finished) throw refuse('its training is not finished', 'autoencoder-unfinished');
  return { weights: groups.best!, step: state.bestStep, encoderSha256: null };
}

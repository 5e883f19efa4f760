/** What a training was asked for, kept in OUT: what was made of one request is never taken, or replaced, for another. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../shared/errors.ts';
import { makeFolder } from '../shared/files/makeFolder.ts';
import { writeWhole } from '../shared/files/writeWhole.ts';
import { version } from '../shared/package.ts';
import { parseJson } from '../shared/parseJson.ts';
import { sha256Hex } from '../shared/sha256.ts';
import { byPath, differencesOf } from '../shared/text/differences.ts';
import { listingKey } from './listingKey.ts';
import type { TrainConfig, TrainInputs } from './trainConfig.ts';

const requestSchema = z.strictObject({
  /** What the samples depend on. */
  samples: z.record(z.string(), z.unknown()),
  /** What is learnt from them, and how. */
  networks: z.record(z.string(), z.unknown()),
});
export type TrainingRequest = z.infer<typeof requestSchema>;

/** All that changes a number of the model. Its name, and what the card says about the data, may be put right later. */
export function requestOf(
  {
    seed,
    validationShare,
    renders,
    inventedPeople,
    peopleLimit,
    autoencoder,
    generator,
    combiner,
  }: TrainConfig,
  { faces, photographs, models }: Pick<TrainInputs, 'faces' | 'photographs' | 'models'>,
): TrainingRequest {
  return {
    samples: {
      version,
      ...{ seed, validationShare, renders, inventedPeople },
      people: new Set(faces.map(({ subjectId }) => subjectId)).size,
      photographs: faces.length,
      listing: sha256Hex(JSON.stringify(listingKey(faces, photographs))),
      models: Object.fromEntries(models.resolved.map(({ name, digest }) => [name, digest])),
    },
    networks: { peopleLimit, autoencoder, generator, combiner },
  };
}

/**
 * Writes the request to OUT/work/training.json, unless OUT holds what another one made: collecting takes hours, and
 * learning more.
 *
 * @throws ConfigError when samples, or anything learnt, were made of something else; every difference is named.
 */
export async function keepRequest(out: string, request: TrainingRequest): Promise<void> {
  const work = join(out, 'work');
  const path = join(work, 'training.json');
  const learnt = [
    join(out, 'card.json'),
    join(work, 'autoencoder.checkpoint'),
    join(work, 'combiner.checkpoint'),
  ].some(existsSync);
  if (learnt || existsSync(join(work, 'samples.arrow'))) {
    const there = await readRequest(path);
    const made = ({ samples, networks }: TrainingRequest) =>
      byPath(learnt ? { ...samples, ...networks } : samples);
    const differences = differencesOf(made(there), made(request));
    if (differences.length > 0) {
      throw new ConfigError(
        'other-training',
        `OUT holds another training: ${differences.join('; ')}; ask for the same, or train into another OUT`,
        { out },
      );
    }
  }
  await makeFolder(work);
  await writeWhole(path, `${JSON.stringify(request, null, 2)}\n`);
}

async function readRequest(path: string): Promise<TrainingRequest> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const parsed = requestSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    'no-request',
    'expected a file that says what the training in OUT was asked for, found none that is whole; train into another OUT',
    { path },
  );
}

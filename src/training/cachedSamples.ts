/** Samples of a corpus, collected once and kept. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { splitSubjects } from '../fra/training/splitSubjects.ts';
import { ConfigError } from '../shared/errors.ts';
import { version } from '../shared/package.ts';
import { type CollectCounts, collectSamples } from './collectSamples.ts';
import { listingKey } from './listingKey.ts';
import { readSamples, type TrainingSample, writeSamples } from './samples.ts';
import type { TrainConfig, TrainHooks, TrainInputs } from './trainConfig.ts';
import { openTurnedSheets } from './turnedSheets.ts';

/** In OUT: what only the training needs, and what a person looks at. */
export interface TrainFolders {
  readonly work: string;
  readonly pictures: string;
}

/**
 * Samples of the corpus, from OUT/work when they were collected before from the same things. Collecting also writes
 * pictures of people at other poses.
 */
export async function cachedSamples(
  config: TrainConfig,
  { faces, photographs, models }: TrainInputs,
  hooks: TrainHooks,
  { work, pictures }: TrainFolders,
): Promise<{ samples: TrainingSample[]; counts: Pick<CollectCounts, 'photographs' | 'renders'> }> {
  const { seed, validationShare, renders, inventedPeople } = config;
  hooks.stage('samples');
  const path = join(work, 'samples.arrow');
  const digests = models.resolved.map(({ name, digest }) => `${name} ${digest}`);
  const corpus = listingKey(faces, photographs);
  const asked = { seed, validationShare, renders, inventedPeople };
  const key = createHash('sha256')
    .update(JSON.stringify({ version, ...asked, digests, ...corpus }))
    .digest('hex');
  let samples = await readSamples(path, key);
  if (samples === undefined) {
    // Invented people are made of those who will train, so that none of them is lost to the division.
    const sheets = openTurnedSheets();
    const people = faces.map(({ subjectId }) => subjectId);
    const collected = await collectSamples({
      photographs,
      faces,
      models: models.models,
      seed,
      renders,
      invented: {
        count: inventedPeople,
        from: new Set(splitSubjects(people, validationShare, seed).training),
      },
      signal: hooks.signal,
      rejected: () => {},
      turned: sheets.add,
      progress: ({ photographs, renders, invented, rejectedPhotographs, rejectedRenders }) => {
        const rejected = rejectedPhotographs + rejectedRenders;
        hooks.progress(
          photographs + rejectedPhotographs + invented,
          faces.length + inventedPeople,
          `${renders} renders, ${rejected} rejected`,
        );
      },
    });
    if (collected.samples.length === 0) {
      throw new ConfigError('no-faces', 'expected photographs with a usable face, found none', {
        photographs: faces.length,
      });
    }
    // What took hours first.
    await writeSamples(path, key, collected.samples);
    await sheets.write(pictures);
    // As the file holds them (float32), so that a resumed training has the same numbers.
    samples = (await readSamples(path, key)) ?? collected.samples;
  }
  const real = samples.filter(({ gridIndex, origin }) => gridIndex === -1 && origin.length === 0).length;
  return { samples, counts: { photographs: real, renders: samples.length - real } };
}

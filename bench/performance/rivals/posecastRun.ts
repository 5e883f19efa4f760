/** `posecast run` as it is measured against others: from a list to a committed table. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Photograph } from '../../photographs.ts';
import { withFolder } from '../shared/folders.ts';
import { startPosecast } from '../shared/posecastProcess.ts';
import { writeList } from './corpus.ts';

const completeSchema = z.object({
  event: z.literal('complete'),
  workSeconds: z.number().positive(),
  totals: z.object({ faces: z.number(), variants: z.number(), rejected: z.number() }),
});

/** As a run is by default: pose angles and ten variants a person. */
export const BY_DEFAULT = ['--variants', '10'];
/** The embeddings of the photographs, and nothing else. */
export const EMBEDDINGS_ALONE = ['--variants', '0', '--without-pose'];

/**
 * Faces a second of a run of `count` photographs with opened models, from the first job to the manifest; with posture
 * codes, too.
 */
export async function runInFull(
  photographs: readonly Photograph[],
  count: number,
  threads: number,
): Promise<number> {
  return withFolder('disk', async (folder) => {
    const list = join(folder, 'faces.csv');
    await writeList(list, photographs, count);
    const words = runWords(list, join(folder, 'out'), count, threads, [...BY_DEFAULT, '--with-posture-code']);
    const { workSeconds, totals } = completeSchema.parse(JSON.parse(await startPosecast(words).done));
    if (totals.faces !== count || totals.rejected > 0 || totals.variants === 0) {
      throw new Error(
        `expected ${count} faces, none rejected, and their variants, found ${JSON.stringify(totals)}`,
      );
    }
    return count / workSeconds;
  });
}

/** The command line of a run, after `posecast`. Enough shards that committing one overlaps the computing of another. */
export function runWords(
  list: string,
  out: string,
  count: number,
  threads: number,
  words: readonly string[],
): string[] {
  const options = {
    threads,
    'shard-faces': Math.max(1, Math.ceil(count / 8)),
    'image-root': '/',
  };
  return [
    'run',
    list,
    out,
    '--json',
    ...words,
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
}

/** `posecast run` as it is measured against others: from a list to a committed table. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../../../src/shared/package.ts';
import type { Photograph } from '../../photographs.ts';
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
  const folder = await mkdtemp(join(tmpdir(), 'posecast-bench-'));
  try {
    const list = join(folder, 'faces.csv');
    await writeList(list, photographs, count);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      posecastCommand(list, join(folder, 'out'), count, threads, [
        ...BY_DEFAULT,
        '--with-posture-code',
      ]).slice(1),
      { maxBuffer: 64 * 2 ** 20 },
    );
    const { workSeconds, totals } = completeSchema.parse(JSON.parse(stdout));
    if (totals.faces !== count || totals.variants === 0) {
      throw new Error(`expected ${count} faces and their variants, found ${JSON.stringify(totals)}`);
    }
    return count / workSeconds;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The command line of a run. Enough shards that committing one overlaps the computing of another. */
export function posecastCommand(
  list: string,
  out: string,
  count: number,
  threads: number,
  words: readonly string[],
): [string, ...string[]] {
  const options = {
    threads,
    'shard-faces': Math.max(1, Math.ceil(count / 8)),
    'image-root': '/',
  };
  return [
    process.execPath,
    join(packageRoot, 'bin', 'posecast.js'),
    'run',
    list,
    out,
    '--json',
    ...words,
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
}

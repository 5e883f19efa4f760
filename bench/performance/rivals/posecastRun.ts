/** `posecast run` with pose angles, ten variants a person and a committed table; in full: with posture codes as well. */
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

/** Faces a second of a run of `count` photographs with opened models, from the first job to the manifest. */
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
      [...posecastCommand(list, join(folder, 'out'), count, threads).slice(1), '--with-posture-code'],
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
): [string, ...string[]] {
  const options = {
    threads,
    variants: 10,
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
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
}

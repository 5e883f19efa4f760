/**
 * Photographs scaled down to the size of crops: a corpus that --aligned takes. Their embeddings are worthless, and the
 * same every time.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { CROP_SIZE } from '../../src/shared/face.ts';

/** Writes PNGs of the same names (and `.png`) below `folder`. */
export async function writeCropsOf(photographs: string, folder: string): Promise<void> {
  for (const name of await readdir(photographs, { recursive: true })) {
    if (!name.endsWith('.jpg')) continue;
    const crop = join(folder, `${name}.png`);
    await mkdir(dirname(crop), { recursive: true });
    await sharp(join(photographs, name)).resize(CROP_SIZE, CROP_SIZE, { fit: 'fill' }).png().toFile(crop);
  }
}

/** Damaged photographs: real ones, in every format that is read, with one to eight injuries. */
import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { DECODE_SIDE, decodeImage } from '../../src/worker/stages/decode.ts';
import { samplePhotographs, sharedFile } from '../helpers/photographs.ts';
import { mutateBytes } from './mutate.ts';

/** Opens the pool; a case is one photograph of it, damaged by its seed. */
export async function imageCases(): Promise<(seed: number) => Promise<string>> {
  const pool = await imagePool();
  return async (seed) => {
    const found = await decodeImage(mutateBytes(pool[seed % pool.length]!, seed));
    if ('code' in found) return found.code;
    const { width, height, data } = found;
    if (Math.max(width, height) > DECODE_SIDE || data.length !== width * height * 3) {
      throw new Error(`picture of ${width}×${height} with ${data.length} bytes`);
    }
    return 'ok';
  };
}

/** Small pictures, so that ten thousand cases are a matter of minutes, and two as they were taken. */
async function imagePool(): Promise<Buffer[]> {
  const [first, second] = samplePhotographs(2);
  const small = await sharp(first!.bytes).resize(96, 120, { fit: 'fill' }).png().toBuffer();
  const frames = await Promise.all(['#a33', '#3a3'].map((tint) => sharp(small).tint(tint).png().toBuffer()));
  const encoded = await Promise.all([
    sharp(small).jpeg().toBuffer(),
    sharp(small).jpeg({ progressive: true, optimiseScans: true }).toBuffer(),
    sharp(small).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    sharp(small).toColourspace('cmyk').jpeg().toBuffer(),
    sharp(small).png().toBuffer(),
    sharp(small).png({ progressive: true, palette: true }).toBuffer(),
    sharp(small).toColourspace('rgb16').ensureAlpha(0.5).png().toBuffer(),
    sharp(small).webp().toBuffer(),
    sharp(small).webp({ lossless: true }).toBuffer(),
    sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer(),
    sharp(small).gif().toBuffer(),
    sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
    sharp(small).tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
    sharp(small).tiff({ compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
    sharp(small).tiff({ compression: 'deflate', pyramid: true, tile: true }).toBuffer(),
    sharp(small).tiff({ compression: 'none' }).toBuffer(),
    sharp(small).avif().toBuffer(),
  ]);
  const { data } = await sharp(small).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const grey = data.filter((_, i) => i % 3 === 0);
  const pnm = [
    Buffer.concat([Buffer.from('P6\n# a comment\n96 120\n255\n'), data]),
    Buffer.concat([Buffer.from('P5 96 60 65535\n'), grey]),
    Buffer.from(`P2\n96 120\n255\n${[...grey].join(' ')}\n`),
  ];
  const beside = ['data/umist/s01/01.pgm', 'data/orl/s1/1.pgm', 'data/orl/s01/01.pgm']
    .map((path) => sharedFile(path).path)
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path));
  return [...encoded, ...pnm, ...beside, first!.bytes, second!.bytes];
}

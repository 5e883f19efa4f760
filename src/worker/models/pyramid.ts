/**
 * A picture at half, a quarter … of its size. A network's input is often several times smaller than the region it
 * shows, and one photograph is looked at a dozen times: the averaging is done once, and every look starts from the
 * level that is at most twice too fine.
 */
import { halve } from './pixels.ts';
import type { Box, Raster } from './raster.ts';

/** Longer side of the coarsest level at least: below, averaging costs nothing, and rounding it to bytes would show. */
const SMALLEST_SIDE = 128;

/** Levels live as long as their picture. */
const halvings = new WeakMap<Raster, Raster>();

/**
 * The coarsest level that is kept with at least `1/step` of the picture's pixels a side (`step` = picture pixels a
 * wanted pixel), and how many picture pixels a pixel of it covers.
 */
export function levelFor(picture: Raster, step: number): { level: Raster; scale: number } {
  let level = picture;
  let scale = 1;
  while (step >= scale * 2 && Math.max(level.width, level.height) >= 2 * SMALLEST_SIDE) {
    level = halved(level);
    scale *= 2;
  }
  return { level, scale };
}

/** A region of the picture in pixels of a level. */
export function inLevel({ x, y, width, height }: Box, scale: number): Box {
  return { x: x / scale, y: y / scale, width: width / scale, height: height / scale };
}

function halved(picture: Raster): Raster {
  const known = halvings.get(picture);
  if (known !== undefined) return known;
  const half = halve(picture);
  halvings.set(picture, half);
  return half;
}

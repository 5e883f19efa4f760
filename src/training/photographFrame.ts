/**
 * What of a head a photograph shows. Corpora are mostly cut tightly around the head, and a head that turns away moves
 * its nose towards the edge: much of an aligned profile is then black. Pictures of one person share a frame.
 */
import { type Random, randomNormal } from '../shared/random.ts';
import type { Raster } from '../worker/models/raster.ts';
import { RENDER_EYE_LINE, RENDER_SIDE, RENDER_UNIT, type RenderPose } from './renderPose.ts';

/** Lengths in units of the distance between the eyes of a frontal face. */
export interface PhotographFrame {
  readonly width: number;
  readonly height: number;
  /** Of the eyes below the upper edge, as a share of the height. */
  readonly eyeLine: number;
  /** How far the frame follows the middle of a head that turns about its axis; 0: it stays with the eyes. */
  readonly follow: number;
}

/** Share of people whose pictures are cut tightly; the others show the whole render. */
const TIGHT_SHARE = 0.6;
/** Widths of tight frames: from ear to ear of a broad face to a head with some wall beside it. */
const MIN_WIDTH = 2.3;
const MAX_WIDTH = 4;
/** Distance of the axis that the head turns about from the eyes. */
const AXIS = 1.2;
/** Standard deviation of the place of single pictures. */
const JITTER = 0.12;

/** Undefined: the whole picture. */
export function randomFrame(random: Random): PhotographFrame | undefined {
  const tight = random() < TIGHT_SHARE;
  const width = MIN_WIDTH + (MAX_WIDTH - MIN_WIDTH) * random();
  const height = width * (1 + 0.35 * random());
  const [eyeLine, follow] = [0.36 + 0.12 * random(), random()];
  return tight ? { width, height, eyeLine, follow } : undefined;
}

/** Cuts a render of a head at this pose; at least the eyes stay in it. */
export function cutToFrame(
  picture: Raster,
  { width, height, eyeLine, follow }: PhotographFrame,
  { yaw }: RenderPose,
  random: Random,
): Raster {
  const aside = -AXIS * follow * Math.sin((yaw * Math.PI) / 180) + JITTER * randomNormal(random);
  const below = JITTER * randomNormal(random);
  const columns = Math.round(width * RENDER_UNIT);
  const rows = Math.round(height * RENDER_UNIT);
  const eyes = { x: RENDER_SIDE / 2, y: Math.round(RENDER_EYE_LINE) };
  const x = startHolding(eyes.x, columns, Math.round(eyes.x + aside * RENDER_UNIT - columns / 2));
  const y = startHolding(eyes.y, rows, Math.round(RENDER_EYE_LINE + below * RENDER_UNIT - eyeLine * rows));
  return cut(picture, Math.max(0, x), Math.max(0, y), x + columns, y + rows);
}

/** The start nearest to `wanted` at which a span of `length` holds the pixel `held`. */
function startHolding(held: number, length: number, wanted: number): number {
  return Math.min(held, Math.max(held - length + 1, wanted));
}

/** From (left, top) to before (right, bottom), as far as the picture goes. */
function cut(picture: Raster, left: number, top: number, right: number, bottom: number): Raster {
  const width = Math.min(picture.width, right) - left;
  const height = Math.min(picture.height, bottom) - top;
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = 3 * ((top + row) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * row * width);
  }
  return { width, height, data };
}

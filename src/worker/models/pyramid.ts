/**
 * A picture at half, a quarter … of its size. A network's input is often several times smaller than the region it
 * shows, and one photograph is looked at a dozen times: the averaging is done once, and every look starts from the
 * level that is at most twice too fine.
 */
import type { Box, Raster } from './raster.ts';

/** Levels live as long as their picture. */
const halvings = new WeakMap<Raster, Raster>();

/**
 * The coarsest level with at least `1/step` of the picture's pixels a side (`step` = picture pixels a wanted pixel),
 * and how many picture pixels a pixel of it covers.
 */
export function levelFor(picture: Raster, step: number): { level: Raster; scale: number } {
  let level = picture;
  let scale = 1;
  while (step >= scale * 2 && Math.min(level.width, level.height) > 1) {
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

/** Every pixel is the mean of 2×2, rounded; the half pixels of an odd side are filled up with black, as outside is. */
function halve({ width, height, data }: Raster): Raster {
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  const half = new Uint8Array(halfWidth * halfHeight * 3);
  const whole = (width >> 1) * 3;
  const line = width * 3;
  for (let y = 0; y < height >> 1; y++) {
    let from = y * 2 * line;
    let to = y * halfWidth * 3;
    for (const end = to + whole; to < end; to += 3, from += 6) {
      const below = from + line;
      half[to] = (data[from]! + data[from + 3]! + data[below]! + data[below + 3]! + 2) >> 2;
      half[to + 1] = (data[from + 1]! + data[from + 4]! + data[below + 1]! + data[below + 4]! + 2) >> 2;
      half[to + 2] = (data[from + 2]! + data[from + 5]! + data[below + 2]! + data[below + 5]! + 2) >> 2;
    }
  }
  const at = (x: number, y: number, channel: number): number =>
    x < width && y < height ? data[y * line + x * 3 + channel]! : 0;
  const edge = (x: number, y: number): void => {
    for (let channel = 0; channel < 3; channel++) {
      const sum =
        at(2 * x, 2 * y, channel) +
        at(2 * x + 1, 2 * y, channel) +
        at(2 * x, 2 * y + 1, channel) +
        at(2 * x + 1, 2 * y + 1, channel);
      half[(y * halfWidth + x) * 3 + channel] = (sum + 2) >> 2;
    }
  };
  if (width % 2 === 1) for (let y = 0; y < halfHeight; y++) edge(halfWidth - 1, y);
  if (height % 2 === 1) for (let x = 0; x < halfWidth; x++) edge(x, halfHeight - 1);
  return { width: halfWidth, height: halfHeight, data: half };
}

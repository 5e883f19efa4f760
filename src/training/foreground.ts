/**
 * What of a photograph is not the wall behind the person. The wall is what can be reached from the picture's edge
 * without crossing a contour; hair that is seen against it would carry a rim of wall around every turned head.
 */
import type { Raster } from '../worker/models/raster.ts';
import { type HeadFrame, toHeadFrame } from './headModel.ts';
import { HEAD_CENTRE, HEAD_HEIGHT, HEAD_WIDTH } from './headSurface.ts';

/** Largest difference of neighbouring pixels of a wall, and of a wall from its median colour; sums over RGB. */
const NEIGHBOUR_DIFFERENCE = 24;
const WALL_DIFFERENCE = 130;
/** Share of the picture's edge that must lie beside the head; less shows no wall to start from. */
const MIN_EDGE = 0.25;
/** The wall begins where a head of this size, as a multiple of the usual one, ends. */
const BESIDE = 1.1;
/** Half axes of the ellipse around HEAD_CENTRE that is never wall: a bright forehead may look like one. */
const FACE_WIDTH = 1.05;
const FACE_HEIGHT = 1.6;
/** Width of the rim where pixels are half wall, in eye distances. */
const RIM = 0.03;

/** One byte a pixel: 1 is person (or not known to be wall), 0 is wall. */
export function foreground(picture: Raster, frame: HeadFrame): Uint8Array {
  const { width, height, data } = picture;
  const person = new Uint8Array(width * height).fill(1);
  const edge = edgePixels(width, height);
  const beside = edge.filter((pixel) =>
    isBeside(frame, (pixel % width) + 0.5, Math.floor(pixel / width) + 0.5),
  );
  if (beside.length < MIN_EDGE * edge.length) return person;
  const wall = Uint8Array.from(medianColour(data, beside));
  const unlikeWall = (pixel: number) => difference(data, pixel, wall, 0) >= WALL_DIFFERENCE;
  const queue = beside.filter((pixel) => !unlikeWall(pixel));
  for (const pixel of queue) person[pixel] = 0;
  const reach = (from: number, pixel: number): void => {
    if (pixel < 0 || pixel >= person.length || person[pixel] === 0 || unlikeWall(pixel)) return;
    if (difference(data, pixel, data, from) >= NEIGHBOUR_DIFFERENCE) return;
    const place = toHeadFrame(frame, (pixel % width) + 0.5, Math.floor(pixel / width) + 0.5);
    if ((place.x / FACE_WIDTH) ** 2 + ((place.y - HEAD_CENTRE) / FACE_HEIGHT) ** 2 < 1) return;
    person[pixel] = 0;
    queue.push(pixel);
  };
  for (let next = 0; next < queue.length; next++) {
    const pixel = queue[next]!;
    if (pixel % width > 0) reach(pixel, pixel - 1);
    if (pixel % width < width - 1) reach(pixel, pixel + 1);
    reach(pixel, pixel - width);
    reach(pixel, pixel + width);
  }
  return shrinkPerson(person, width, height, Math.max(1, Math.round(RIM * frame.unit)));
}

/** Of two pixels, summed over RGB. */
function difference(a: Uint8Array, pixelA: number, b: Uint8Array, pixelB: number): number {
  let sum = 0;
  for (let k = 0; k < 3; k++) sum += Math.abs(a[3 * pixelA + k]! - b[3 * pixelB + k]!);
  return sum;
}

/** Takes away the rim of a person, where pixels are half wall. */
function shrinkPerson(person: Uint8Array, width: number, height: number, rim: number): Uint8Array {
  return person.map((value, pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    for (let dy = -rim; dy <= rim; dy++) {
      for (let dx = -rim; dx <= rim; dx++) {
        const inside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
        if (inside && person[pixel + dy * width + dx] === 0) return 0;
      }
    }
    return value;
  });
}

function isBeside(frame: HeadFrame, px: number, py: number): boolean {
  const { x, y } = toHeadFrame(frame, px, py);
  // Below the head there are neck and clothes.
  if (y > HEAD_CENTRE) return Math.abs(x) > 3 * HEAD_WIDTH;
  return (x / HEAD_WIDTH) ** 2 + ((y - HEAD_CENTRE) / HEAD_HEIGHT) ** 2 > BESIDE ** 2;
}

function edgePixels(width: number, height: number): number[] {
  const rows = Array.from({ length: height }, (_, y) => [y * width, y * width + width - 1]).flat();
  const columns = Array.from({ length: width }, (_, x) => [x, (height - 1) * width + x]).flat();
  return [...new Set([...rows, ...columns])];
}

function medianColour(data: Uint8Array, pixels: readonly number[]): [number, number, number] {
  const median = (channel: number) =>
    pixels.map((pixel) => data[3 * pixel + channel]!).sort((a, b) => a - b)[pixels.length >> 1]!;
  return [median(0), median(1), median(2)];
}

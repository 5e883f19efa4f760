/**
 * What a frontal photograph does not show of a head: the skull behind the ears and the nape. Without them a turned head
 * is a mask with a wall behind it. Their colours are those at the head's outline, so hair goes on as hair.
 */
import type { Canvas } from './canvas.ts';

/** Vertices in the head frame, a grid of COLUMNS around by rows from top to bottom, and their colours. */
export interface Skull {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
  /** RGB of every vertex, 0–255. */
  readonly colours: Float32Array;
}

/** Vertices around the axis of the head; the last one is the first again. */
export const SKULL_COLUMNS = 49;
const SKULL_ROWS = 33;
/** Half breadth, height and length of a skull with hair, and its centre; eye distances (63 mm). */
const BREADTH = 1.28;
const HEIGHT = 1.5;
const LENGTH = 1.55;
const CENTRE_Y = -0.4;
const CENTRE_Z = -1.3;
/** The nape below it, an upright cylinder down to NAPE_END. */
const NAPE_BREADTH = 0.85;
const NAPE_LENGTH = 0.7;
const NAPE_START = 0.7;
const NAPE_END = 2.7;
/** How far the skull stays behind what the photograph shows. */
const BEHIND = 0.06;
/** How far inside the outline colours are taken, in head frame units: the outline itself is half wall. */
const INSIDE = 0.1;

/** Where a canvas that holds the frontal head has a place of the head frame. */
export interface FrontalView {
  readonly canvas: Canvas;
  /** Column of x = 0, row of y = 0, pixels a unit. */
  readonly middle: number;
  readonly eyeLine: number;
  readonly unit: number;
}

/** `faceDepth`: z of the photographed surface at a place of the head frame. */
export function skullOf(view: FrontalView, faceDepth: (x: number, y: number) => number): Skull {
  const count = SKULL_COLUMNS * SKULL_ROWS;
  const [x, y, z] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  const colours = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const turn = (2 * Math.PI * (i % SKULL_COLUMNS)) / (SKULL_COLUMNS - 1);
    const row = Math.floor(i / SKULL_COLUMNS) / (SKULL_ROWS - 1);
    y[i] = CENTRE_Y - HEIGHT + row * (NAPE_END - CENTRE_Y + HEIGHT);
    const up = Math.sqrt(Math.max(0, 1 - ((y[i]! - CENTRE_Y) / HEIGHT) ** 2));
    const neck = y[i]! > NAPE_START;
    const breadth = Math.max(BREADTH * up, neck ? NAPE_BREADTH : 0);
    const length = Math.max(LENGTH * up, neck ? NAPE_LENGTH : 0);
    x[i] = breadth * Math.sin(turn);
    z[i] = Math.min(CENTRE_Z + length * Math.cos(turn), faceDepth(x[i]!, y[i]!) - BEHIND);
    colours.set(outlineColour(view, x[i]!, y[i]!), 3 * i);
  }
  return { x, y, z, colours };
}

/** Cells, by their upper left vertices. */
export const SKULL_CELLS: readonly number[] = Array.from(
  { length: SKULL_COLUMNS * (SKULL_ROWS - 1) },
  (_, i) => i,
).filter((i) => i % SKULL_COLUMNS < SKULL_COLUMNS - 1);

/** Colour of the frontal head at a place, or inside its outline at that height. */
function outlineColour({ canvas, middle, eyeLine, unit }: FrontalView, x: number, y: number): Uint8Array {
  const { width, height, data, nearest } = canvas;
  const shows = (column: number, row: number) =>
    column >= 0 && column < width && nearest[row * width + column]! > -Infinity;
  const side = x < 0 ? -1 : 1;
  const row = Math.round(Math.min(height - 1, Math.max(0, eyeLine + y * unit)));
  // The nearest row in which there is something of the head.
  for (let step = 0; step < 2 * height; step++) {
    const at = row + (step % 2 === 0 ? 1 : -1) * Math.ceil(step / 2);
    if (at < 0 || at >= height) continue;
    let edge = Math.round(middle + side * 2 * unit);
    while (edge !== Math.round(middle) && !shows(edge, at)) edge -= side;
    if (!shows(edge, at)) continue;
    const inside = side * (edge - middle) - INSIDE * unit;
    const column = Math.round(middle + side * Math.max(0, Math.min(Math.abs(x) * unit, inside)));
    const pixel = shows(column, at) ? at * width + column : at * width + edge;
    return data.subarray(3 * pixel, 3 * pixel + 3);
  }
  return new Uint8Array(3);
}

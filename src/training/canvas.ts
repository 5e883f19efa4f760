/** A picture that triangles are drawn into, the nearest one on top. */
import type { Raster } from '../worker/models/raster.ts';

/** Vertices in the picture: x, y in pixels, z towards the camera in any unit. */
export interface Vertices {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
}

export type Triangle = readonly [a: number, b: number, c: number];

/** Sets the colour of a place of a triangle, given by the shares of its vertices; false: nothing is there. */
export type Paint = (triangle: Triangle, wa: number, wb: number, wc: number, rgb: Float64Array) => boolean;

export interface Canvas extends Raster {
  /** z of what is drawn at every pixel; −Infinity: nothing. */
  readonly nearest: Float32Array;
}

export function openCanvas(side: number, [r, g, b]: readonly [number, number, number]): Canvas {
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i);
  return { width: side, height: side, data, nearest: new Float32Array(side * side).fill(-Infinity) };
}

/**
 * Draws a triangle that is seen from its front (counter-clockwise vertices, y down) where it is nearer than the rest.
 */
export function drawTriangle(canvas: Canvas, { x, y, z }: Vertices, triangle: Triangle, paint: Paint): void {
  const [a, b, c] = triangle;
  const area = (x[b]! - x[a]!) * (y[c]! - y[a]!) - (x[c]! - x[a]!) * (y[b]! - y[a]!);
  // ≤ 0: seen from behind.
  if (area <= 1e-9) return;
  const left = Math.max(0, Math.ceil(Math.min(x[a]!, x[b]!, x[c]!) - 0.5));
  const right = Math.min(canvas.width - 1, Math.floor(Math.max(x[a]!, x[b]!, x[c]!) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(y[a]!, y[b]!, y[c]!) - 0.5));
  const bottom = Math.min(canvas.height - 1, Math.floor(Math.max(y[a]!, y[b]!, y[c]!) - 0.5));
  const rgb = new Float64Array(3);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [px, py] = [column + 0.5, row + 0.5];
      const wa = ((x[b]! - px) * (y[c]! - py) - (x[c]! - px) * (y[b]! - py)) / area;
      const wb = ((x[c]! - px) * (y[a]! - py) - (x[a]! - px) * (y[c]! - py)) / area;
      const wc = 1 - wa - wb;
      if (wa < -1e-6 || wb < -1e-6 || wc < -1e-6) continue;
      const pixel = row * canvas.width + column;
      const depth = wa * z[a]! + wb * z[b]! + wc * z[c]!;
      if (depth <= canvas.nearest[pixel]! || !paint(triangle, wa, wb, wc, rgb)) continue;
      canvas.nearest[pixel] = depth;
      for (let k = 0; k < 3; k++) canvas.data[3 * pixel + k] = Math.min(255, rgb[k]! + 0.5);
    }
  }
}

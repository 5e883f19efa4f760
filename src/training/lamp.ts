/** Light that stays where it is while heads turn; without it the light of a photograph would turn with the head. */
import type { Random } from '../shared/random.ts';
import type { Vertices } from './canvas.ts';

export interface Lamp {
  /** Towards the lamp, of unit length: x to the image's right, y down, z towards the camera. */
  readonly direction: readonly [number, number, number];
  /** Share of the light that comes from it, 0–1; the rest comes from everywhere. */
  readonly strength: number;
}

/** Share of people under a lamp; the others keep the even light of their photographs. */
const LAMP_SHARE = 0.7;
/** Degrees. */
const MAX_ASIDE = 75;
const MAX_ABOVE = 50;
const MAX_STRENGTH = 0.8;

export function randomLamp(random: Random): Lamp | undefined {
  const lit = random() < LAMP_SHARE;
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const aside = radians(MAX_ASIDE * (2 * random() - 1));
  const above = radians(MAX_ABOVE * random());
  const strength = MAX_STRENGTH * random();
  const direction = [
    Math.sin(aside) * Math.cos(above),
    -Math.sin(above),
    Math.cos(aside) * Math.cos(above),
  ] as const;
  return lit ? { direction, strength } : undefined;
}

/** Brightest light of a vertex, and the least share of a lamp that counts as in front of a face. */
const MAX_LIGHT = 1.7;
const MIN_FRONT = 0.35;

/** Factor on the colour of every vertex of a grid of `columns`; 1 where the surface faces the camera. z in pixels. */
export function vertexLight(
  { x, y, z }: Vertices,
  columns: number,
  { direction, strength }: Lamp,
): Float32Array {
  const [lx, ly, lz] = direction;
  const light = new Float32Array(x.length);
  for (let i = 0; i < light.length; i++) {
    const [left, right] = [i % columns > 0 ? i - 1 : i, i % columns < columns - 1 ? i + 1 : i];
    const [above, below] = [i >= columns ? i - columns : i, i + columns < light.length ? i + columns : i];
    const [ax, ay, az] = [x[right]! - x[left]!, y[right]! - y[left]!, z[right]! - z[left]!];
    const [bx, by, bz] = [x[below]! - x[above]!, y[below]! - y[above]!, z[below]! - z[above]!];
    const [nx, ny, nz] = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    const facing = (nx * lx + ny * ly + nz * lz) / Math.max(Math.hypot(nx, ny, nz), 1e-9);
    const own = Math.max(0, facing) / Math.max(lz, MIN_FRONT);
    light[i] = Math.min(MAX_LIGHT, 1 - strength + strength * own);
  }
  return light;
}

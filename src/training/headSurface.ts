/** The head under a photograph as a mesh: a regular grid of the head frame with a depth at every vertex. */
import { LANDMARK_COUNT } from '../shared/face.ts';
import { LANDMARK_DEPTH, SURFACE_ANCHORS } from './headModel.ts';
import { type Surface, thinPlateSurface } from './thinPlate.ts';

/** Mesh over the head, in head frame units. */
const LEFT = -1.7;
const TOP = -2;
const STEP = 0.05;
export const COLUMNS = 69;
export const ROWS = 93;
/** Half axes and centre of the ellipse that holds the head and its hair. */
export const HEAD_WIDTH = 1.5;
export const HEAD_HEIGHT = 2.15;
export const HEAD_CENTRE = 0.2;
const MIN_DEPTH = -1.7;
const MAX_DEPTH = 0.8;
/** Lets the surface differ a little from depths that were rounded. */
const STIFFNESS = 0.01;
/** Surfaces are smooth: they are computed at every fourth vertex and interpolated between. */
const COARSE = 4;

export const vertexX = (index: number): number => LEFT + (index % COLUMNS) * STEP;
export const vertexY = (index: number): number => TOP + Math.floor(index / COLUMNS) * STEP;

/** The vertex nearest to a place, or to where it would be on the mesh. */
export function vertexAt(x: number, y: number): number {
  const column = Math.min(COLUMNS - 1, Math.max(0, Math.round((x - LEFT) / STEP)));
  return Math.min(ROWS - 1, Math.max(0, Math.round((y - TOP) / STEP))) * COLUMNS + column;
}

/** Depth of every vertex of a head of this shape (68 × 2, head frame), all depths multiplied by `scale`. */
export function headDepth(shape: Float32Array, scale: number): Float32Array {
  const surface = thinPlateSurface(
    [...landmarkValues(shape, (i) => LANDMARK_DEPTH[i]!), ...SURFACE_ANCHORS],
    STIFFNESS,
  );
  return sampleSurface(surface).map((z) => scale * Math.min(MAX_DEPTH, Math.max(MIN_DEPTH, z)));
}

/**
 * For every vertex of a head of one shape, where the same place of the face lies on a head of another shape: both
 * 68 × 2 in the head frame. Away from the landmarks nothing moves.
 */
export function correspondence(from: Float32Array, to: Float32Array): { x: Float32Array; y: Float32Array } {
  const still = SURFACE_ANCHORS.map(([x, y]) => [x, y, 0] as const);
  const moved = (axis: 0 | 1) => {
    const shifts = landmarkValues(from, (i) => to[2 * i + axis]! - from[2 * i + axis]!);
    return sampleSurface(thinPlateSurface([...shifts, ...still], STIFFNESS));
  };
  return {
    x: moved(0).map((shift, i) => vertexX(i) + shift),
    y: moved(1).map((shift, i) => vertexY(i) + shift),
  };
}

/** True for head, hair and neck as seen from the front; what is outside does not turn with the head. */
function insideHead(x: number, y: number): boolean {
  const head = (x / HEAD_WIDTH) ** 2 + ((y - HEAD_CENTRE) / HEAD_HEIGHT) ** 2 < 1;
  const neck = y > 1 && Math.abs(x) < 1;
  return head || neck;
}

/** Vertices whose cell (to the right and below) belongs to the head. */
export const HEAD_CELLS: readonly number[] = Array.from({ length: ROWS * COLUMNS }, (_, i) => i).filter(
  (i) =>
    i % COLUMNS < COLUMNS - 1 &&
    i < (ROWS - 1) * COLUMNS &&
    insideHead(vertexX(i) + STEP / 2, vertexY(i) + STEP / 2),
);

function landmarkValues(shape: Float32Array, value: (landmark: number) => number) {
  return Array.from(
    { length: LANDMARK_COUNT },
    (_, i) => [shape[2 * i]!, shape[2 * i + 1]!, value(i)] as const,
  );
}

function sampleSurface(surface: Surface): Float32Array {
  const columns = Math.ceil((COLUMNS - 1) / COARSE) + 1;
  const rows = Math.ceil((ROWS - 1) / COARSE) + 1;
  const coarse = Float32Array.from({ length: columns * rows }, (_, i) =>
    surface(LEFT + (i % columns) * COARSE * STEP, TOP + Math.floor(i / columns) * COARSE * STEP),
  );
  const values = new Float32Array(ROWS * COLUMNS);
  for (let i = 0; i < values.length; i++) {
    const [cx, cy] = [(i % COLUMNS) / COARSE, Math.floor(i / COLUMNS) / COARSE];
    const [x, y] = [Math.min(columns - 2, Math.floor(cx)), Math.min(rows - 2, Math.floor(cy))];
    const [fx, fy] = [cx - x, cy - y];
    const at = y * columns + x;
    const upper = coarse[at]! * (1 - fx) + coarse[at + 1]! * fx;
    const lower = coarse[at + columns]! * (1 - fx) + coarse[at + columns + 1]! * fx;
    values[i] = upper * (1 - fy) + lower * fy;
  }
  return values;
}

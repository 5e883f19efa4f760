/**
 * The square on which landmarks and pose are measured. Both networks were trained on the squares of the default
 * detector, so every way to a square gives what that detector would have given.
 */
import { type Detection, squareAround } from '../models/detector.ts';
import type { Box } from '../models/raster.ts';
import { fitSimilarity, invert, TEMPLATE, transformPoints } from './alignTransform.ts';

/**
 * Where the default detector's square lies in an aligned 112×112 crop, in crop pixels. Measured, see
 * docs/accuracy.md, "The box of an aligned crop".
 */
export const CROP_SQUARE: Box = { x: -0.5, y: 8, width: 114, height: 114 };

/**
 * Square of a detection in picture pixels. Without points: side = height of the box. With points: CROP_SQUARE put
 * around them, upright; undefined where the points coincide.
 */
export function faceSquare({ box, points }: Detection): Box | undefined {
  if (points === undefined) return squareAround(box, box.height);
  const toCrop = fitSimilarity(points, TEMPLATE);
  if (toCrop === undefined) return undefined;
  const toPicture = invert(toCrop);
  const [x = 0, y = 0] = transformPoints(
    toPicture,
    Float32Array.of(CROP_SQUARE.x + CROP_SQUARE.width / 2, CROP_SQUARE.y + CROP_SQUARE.height / 2),
  );
  return squareAround(
    { x, y, width: 0, height: 0 },
    CROP_SQUARE.width * Math.hypot(toPicture.a, toPicture.b),
  );
}

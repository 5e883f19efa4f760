/** The pose of a face, read off its landmark image. */
import { squaredDistance } from '../../shared/l2.ts';
import { mean } from './statistics.ts';

/** A landmark image with the pose that was measured for its face. */
export interface PosedImage {
  readonly image: Float32Array;
  readonly yaw: number;
  readonly pitch: number;
}

/** Neighbours that vote on the pose of a picture. */
const NEIGHBOURS = 5;
/** Side of the coarse pictures that are compared: 112 / 4. */
const COARSE = 28;

/** Reads yaw and pitch off landmark images by their nearest neighbours among known ones. */
export function openPoseReader(
  known: readonly PosedImage[],
): (image: Float32Array) => { yaw: number; pitch: number } {
  const features = known.map(({ image }) => coarse(image));
  return (image) => {
    const feature = coarse(image);
    const ranked = features
      .map((other, i) => ({ i, distance: squaredDistance(feature, other) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, NEIGHBOURS);
    return {
      yaw: mean(ranked.map(({ i }) => known[i]!.yaw)),
      pitch: mean(ranked.map(({ i }) => known[i]!.pitch)),
    };
  };
}

/** Means of 4×4 pixels. */
function coarse(image: Float32Array): Float32Array {
  const result = new Float32Array(COARSE * COARSE);
  for (let y = 0; y < 4 * COARSE; y++) {
    for (let x = 0; x < 4 * COARSE; x++) {
      result[(y >> 2) * COARSE + (x >> 2)]! += image[y * 4 * COARSE + x]! / 16;
    }
  }
  return result;
}

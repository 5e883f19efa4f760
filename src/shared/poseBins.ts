/**
 * The grid in which pose coverage is counted: 15° of yaw by 20° of pitch, a bin a face. Roll is removed by
 * alignment and does not count.
 */
import type { Pose } from './face.ts';

const YAW_STEP = 15;
const PITCH_STEP = 20;
/** Bins on either side of frontal: yaw −67.5…67.5 in 9 bins, pitch −30…30 in 3. */
const YAW_SIDE = 4;
const PITCH_SIDE = 1;

export const YAW_BINS = 2 * YAW_SIDE + 1;
export const PITCH_BINS = 2 * PITCH_SIDE + 1;
export const POSE_BINS = YAW_BINS * PITCH_BINS;
export const ALL_BINS: readonly number[] = Array.from({ length: POSE_BINS }, (_, bin) => bin);

/** Bin of a pose, 0 … POSE_BINS−1, row-major with yaw fastest; poses beyond the grid fall in its edge bins. */
export function poseBin(pose: Pick<Pose, 'yaw' | 'pitch'>): number {
  const yaw = clampBin(Math.round(pose.yaw / YAW_STEP), YAW_SIDE);
  const pitch = clampBin(Math.round(pose.pitch / PITCH_STEP), PITCH_SIDE);
  return pitch * YAW_BINS + yaw;
}

/** Centre of a bin in degrees. */
export function binCentre(bin: number): { yaw: number; pitch: number } {
  return {
    yaw: ((bin % YAW_BINS) - YAW_SIDE) * YAW_STEP,
    pitch: (Math.floor(bin / YAW_BINS) - PITCH_SIDE) * PITCH_STEP,
  };
}

function clampBin(index: number, side: number): number {
  return Math.min(side, Math.max(-side, index)) + side;
}

/** How many of these poses fall in each bin. */
export function countPoses(poses: Iterable<Pick<Pose, 'yaw' | 'pitch'>>): Uint32Array {
  const counts = new Uint32Array(POSE_BINS);
  for (const pose of poses) counts[poseBin(pose)]! += 1;
  return counts;
}

/** Share of the reachable bins that hold at least one face, 0–1. `reachable`: the bins a posture bank covers. */
export function poseCoverage(counts: Uint32Array, reachable: readonly number[]): number {
  if (reachable.length === 0) return 0;
  return reachable.filter((bin) => counts[bin]! > 0).length / reachable.length;
}

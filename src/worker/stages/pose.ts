/** Squares → head pose, averaged over the picture and its mirror image so that left and right are treated alike. */
import type { Pose } from '../../shared/face.ts';
import type { View } from '../models/detector.ts';
import type { PoseNetwork } from '../models/frPose.ts';

/** Pose of every face, in the signs of `Pose`. */
export async function measurePoses(network: PoseNetwork, squares: readonly View[]): Promise<Pose[]> {
  const measured = await network.measure(squares);
  return measured.map(({ plain, mirrored }) => ({
    yaw: (plain.yaw - mirrored.yaw) / 2,
    pitch: (plain.pitch + mirrored.pitch) / 2,
    roll: (plain.roll - mirrored.roll) / 2,
  }));
}

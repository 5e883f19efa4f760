/** Squares → head pose, averaged over the picture and its mirror image so that left and right are treated alike. */
import type { Pose } from '../../shared/face.ts';
import type { View } from '../models/detector.ts';
import type { PoseNetwork } from '../models/frPose.ts';

/**
 * Pose of every face, in the signs of `Pose`. The network's own yaw is positive towards the image's left edge; its
 * pitch (up) and roll (clockwise) agree with `Pose`.
 */
export async function measurePoses(network: PoseNetwork, squares: readonly View[]): Promise<Pose[]> {
  const measured = await network.measure(squares);
  return measured.map(({ plain, mirrored }) => ({
    yaw: (mirrored.yaw - plain.yaw) / 2,
    pitch: (plain.pitch + mirrored.pitch) / 2,
    roll: (plain.roll - mirrored.roll) / 2,
  }));
}

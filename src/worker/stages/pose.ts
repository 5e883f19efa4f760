/** Located faces → head pose, averaged over the picture and its mirror image so that left and right are treated alike. */
import type { Pose } from '../../shared/face.ts';
import type { View } from '../models/detector.ts';
import type { PoseNetwork } from '../models/frPose.ts';
import { layoutYaw } from './layoutYaw.ts';

/** A layout turned further than this, and this much further than the network says, is believed instead; degrees. */
const TURNED = 45;
const DISAGREEMENT = 25;

/**
 * Pose of every face, in the signs of `Pose`. The network's own yaw is positive towards the image's left edge; its
 * pitch (up) and roll (clockwise) agree with `Pose`.
 *
 * The network reads 0–40° on many profiles, where the landmarks still show that the face is turned
 * (docs/decisions/profile-alignment.md); there the landmarks' yaw is taken.
 */
export async function measurePoses(
  network: PoseNetwork,
  faces: readonly (View & { readonly points68: Float32Array })[],
): Promise<Pose[]> {
  const measured = await network.measure(faces);
  return measured.map(({ plain, mirrored }, i) => ({
    yaw: agreedYaw((mirrored.yaw - plain.yaw) / 2, layoutYaw(faces[i]!.points68)),
    pitch: (plain.pitch + mirrored.pitch) / 2,
    roll: (plain.roll - mirrored.roll) / 2,
  }));
}

/** The yaw of a face by what the network and what the layout says. */
export function agreedYaw(network: number, layout: number): number {
  const folded = Math.abs(layout) > TURNED && Math.abs(layout) > Math.abs(network) + DISAGREEMENT;
  return folded ? layout : network;
}

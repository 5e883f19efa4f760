/**
 * Located faces → head pose, left and right treated alike: a face is shown turned to the image's right, mirrored where
 * its landmarks say that it turns to the left. A face that the network finds turned is shown the other way round as
 * well, and the two answers are averaged: there they differ, on a face that looks to the front they do not
 * (docs/accuracy.md, "Signs of the pose").
 */
import type { Pose } from '../../shared/face.ts';
import type { View } from '../models/detector.ts';
import type { PoseNetwork, RawPose } from '../models/frPose.ts';
import { layoutYaw } from './layoutYaw.ts';

/** From here on one look is not enough; degrees. */
const SECOND_LOOK = 20;
/** A layout turned further than this, and this much further than the network says, is believed instead; degrees. */
const TURNED = 45;
const DISAGREEMENT = 25;

/**
 * Pose of every face, in the signs of `Pose`. The network reads 0–40° on many profiles, where the landmarks still show
 * that the face is turned (docs/decisions/profile-alignment.md); there the landmarks' yaw is taken.
 */
export async function measurePoses(
  network: PoseNetwork,
  faces: readonly (View & { readonly points68: Float32Array })[],
): Promise<Pose[]> {
  const layouts = faces.map(({ points68 }) => layoutYaw(points68));
  const look = async (which: readonly number[], mirrored: (i: number) => boolean): Promise<Pose[]> => {
    const views = which.map((i) => ({
      picture: faces[i]!.picture,
      region: faces[i]!.region,
      mirrored: mirrored(i),
    }));
    const answers = await network.measure(views);
    return answers.map((raw, n) => poseOf(raw, views[n]!.mirrored));
  };
  const towardsLeft = (i: number) => layouts[i]! < 0;
  const poses = await look([...faces.keys()], towardsLeft);
  const turned = poses.flatMap(({ yaw }, i) =>
    Math.abs(yaw) > SECOND_LOOK || Math.abs(layouts[i]!) > TURNED ? [i] : [],
  );
  const seconds = await look(turned, (i) => !towardsLeft(i));
  turned.forEach((i, n) => {
    poses[i] = middle(poses[i]!, seconds[n]!);
  });
  return poses.map((pose, i) => ({ ...pose, yaw: agreedYaw(pose.yaw, layouts[i]!) }));
}

/**
 * The network's own yaw is positive towards the image's left edge; its pitch (up) and roll (clockwise) agree with
 * `Pose`.
 */
function poseOf({ yaw, pitch, roll }: RawPose, mirrored: boolean): Pose {
  return mirrored ? { yaw, pitch, roll: -roll } : { yaw: -yaw, pitch, roll };
}

function middle(a: Pose, b: Pose): Pose {
  return { yaw: (a.yaw + b.yaw) / 2, pitch: (a.pitch + b.pitch) / 2, roll: (a.roll + b.roll) / 2 };
}

/** The yaw of a face by what the network and what the layout says. */
export function agreedYaw(network: number, layout: number): number {
  const folded = Math.abs(layout) > TURNED && Math.abs(layout) > Math.abs(network) + DISAGREEMENT;
  return folded ? layout : network;
}

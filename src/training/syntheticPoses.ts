/**
 * Synthetic poses: a near-frontal photograph, or somebody who does not exist, drawn at every pose of POSE_GRID. The
 * only stage of a training that makes pictures; what the face pipeline says about them is collectSamples.ts.
 */
import type { Pose } from '../shared/face.ts';
import { type Random, randomNormal } from '../shared/random.ts';
import type { Raster } from '../worker/models/raster.ts';
import { type Frontal, inventHead } from './inventPerson.ts';
import { randomLamp } from './lamp.ts';
import { cutToFrame, randomFrame } from './photographFrame.ts';
import { applyStyle, randomStyle } from './photographStyle.ts';
import { openHeadRenderer, openPoseRenderer, type RenderPose } from './renderPose.ts';

/** Target poses of renders, degrees; the same for everybody, so that people can be compared at one pose. */
export const POSE_GRID: readonly RenderPose[] = [
  ...[-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75].map((yaw) => ({ yaw, pitch: 0 })),
  ...[-40, -20, 0, 20, 40].flatMap((yaw) => [
    { yaw, pitch: -20 },
    { yaw, pitch: 20 },
  ]),
];

/** Standard deviation of a render's pose around its grid point, degrees. */
const GRID_JITTER = 3;
/** Standard deviation of the yaw and pitch of an invented person's photograph: few real ones are quite frontal. */
const PHOTOGRAPH_YAW = 15;
const PHOTOGRAPH_PITCH = 6;
/** Photographs turned further than this are samples, but are not turned again. */
const MAX_SOURCE_ANGLE = 18;
/** A render whose measured pose is further from its target was not understood; degrees. */
const MAX_POSE_ERROR = 28;

export interface SyntheticPose {
  /** Position in POSE_GRID; −1: what stands for the photograph of an invented person. */
  readonly gridIndex: number;
  /** The grid pose with its jitter. */
  readonly target: RenderPose;
  readonly picture: Raster;
}

/** Whether a photograph with this measured pose is frontal enough to be turned. */
export function canBeTurned({ yaw, pitch }: Pose): boolean {
  return Math.max(Math.abs(yaw), Math.abs(pitch)) <= MAX_SOURCE_ANGLE;
}

/** Whether the measured pose of a render is the one it was drawn at. */
export function poseAgrees(measured: Pose, target: RenderPose): boolean {
  return (
    Math.abs(measured.yaw - target.yaw) <= MAX_POSE_ERROR &&
    Math.abs(measured.pitch - target.pitch) <= MAX_POSE_ERROR
  );
}

/** A photograph at the poses of POSE_GRID. */
export function turnPhotograph(
  { picture, landmarks }: Pick<Frontal, 'picture' | 'landmarks'>,
  random: Random,
): SyntheticPose[] {
  const renderer = openPoseRenderer(picture, landmarks);
  return gridPoses(random).map((target, gridIndex) => {
    return { gridIndex, target, picture: renderer.render(target) };
  });
}

/** Somebody made of these people: a photograph, and the poses of POSE_GRID in its light, frame and style. */
export function turnInvented(parents: readonly Frontal[], random: Random): SyntheticPose[] {
  // The order of the draws is part of the samples: the same seed gives the same people.
  const photograph = {
    yaw: PHOTOGRAPH_YAW * randomNormal(random),
    pitch: PHOTOGRAPH_PITCH * randomNormal(random),
  };
  const renderer = openHeadRenderer(inventHead(parents, random));
  const targets = [photograph, ...gridPoses(random)];
  const [style, lamp, frame] = [randomStyle(random), randomLamp(random), randomFrame(random)];
  return targets.map((target, i) => {
    const whole = renderer.render(target, lamp);
    const shown = frame === undefined ? whole : cutToFrame(whole, frame, target, random);
    return { gridIndex: i - 1, target, picture: applyStyle(shown, style) };
  });
}

function gridPoses(random: Random): RenderPose[] {
  return POSE_GRID.map((pose) => ({
    yaw: pose.yaw + GRID_JITTER * randomNormal(random),
    pitch: pose.pitch + GRID_JITTER * randomNormal(random),
  }));
}

/** Yaw read from the layout of 68 landmarks: rough, but it does not mistake a profile for a frontal face. */
import { fivePoints } from './alignTransform.ts';

/** Distance between the eyes over distance from eyes to mouth, of frontal faces (London .97, ORL .99). */
const FRONTAL_RATIO = 0.98;

/**
 * Degrees, signed as in `Pose`: the eyes come closer together as the head turns, and the nose says to which side.
 * Faces differ by about ±5 % in this ratio, so below 30° it tells little.
 */
export function layoutYaw(points68: Float32Array): number {
  const five = fivePoints(points68);
  const between = (a: number, b: number, axis: number) => (five[2 * a + axis]! + five[2 * b + axis]!) / 2;
  const [eyesX, eyesY] = [between(0, 1, 0), between(0, 1, 1)];
  const [downX, downY] = [between(3, 4, 0) - eyesX, between(3, 4, 1) - eyesY];
  const height = Math.hypot(downX, downY);
  if (!(height > 0)) return 0;
  // Towards the image's right on an upright face.
  const [acrossX, acrossY] = [downY / height, -downX / height];
  const ratio = ((five[2]! - five[0]!) * acrossX + (five[3]! - five[1]!) * acrossY) / height;
  const nose = (five[4]! - eyesX) * acrossX + (five[5]! - eyesY) * acrossY;
  const turned = (Math.acos(Math.min(1, Math.max(0, ratio / FRONTAL_RATIO))) * 180) / Math.PI;
  return Math.sign(nose) * turned;
}

/** Samples as pairs are chosen from: with posture codes, and a grid index that always says something about the pose. */

import { type PostureForm, postureInput } from '../fra/postureForm.ts';
import type { PairSample } from '../fra/training/pairs.ts';
import type { TrainingSample } from './samples.ts';

/** Degrees beyond which a photograph is no near-frontal one. */
const NEAR_FRONTAL = 20;
/** Turned photographs share a grid index with those in the same cell of 15° of yaw by 20° of pitch. */
const FIRST_CELL = 1000;

/** `codes[i]` belongs to `samples[i]`. */
export function pairSamples(
  samples: readonly TrainingSample[],
  codes: readonly Float32Array[],
  form: PostureForm,
): PairSample[] {
  return samples.map(({ subjectId, faceId, gridIndex, pose, embedding, landmarks }, i) => {
    const { yaw, pitch } = pose;
    const turned = gridIndex === -1 && Math.max(Math.abs(yaw), Math.abs(pitch)) > NEAR_FRONTAL;
    const cell = FIRST_CELL + 20 * Math.round((yaw + 180) / 15) + Math.round((pitch + 180) / 20);
    const code = postureInput(form, { code: codes[i]!, yaw, landmarks });
    return { subjectId, faceId, gridIndex: turned ? cell : gridIndex, yaw, pitch, embedding, code };
  });
}

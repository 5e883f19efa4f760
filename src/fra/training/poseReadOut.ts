/** Fits the linear read-out posture → (yaw, pitch), on training people. */
import { POSTURE_DIM } from '../../shared/face.ts';
import type { WeightValues } from '../networks/weights.ts';
import type { PairSample } from './pairs.ts';
import { ridgePath } from './ridge.ts';
import { mean } from './statistics.ts';

export interface PoseReadOut {
  /** Named as the generators want them. */
  readonly weights: ReadonlyMap<string, WeightValues>;
  /** Degrees. */
  readonly read: (face: Pick<PairSample, 'code'>) => { readonly yaw: number; readonly pitch: number };
  /** Mean error of yaw on validation people, degrees. */
  readonly error: number;
}

const PENALTIES = [1e-4, 1e-3, 1e-2, 0.1, 1];
/** More faces than this say nothing new about a linear map of 512 values. */
const MAX_FACES = 6000;

/** Ridge regression with the penalty that reads validation people best. */
export function fitPoseReadOut(
  training: readonly PairSample[],
  validation: readonly PairSample[],
): PoseReadOut {
  const every = Math.max(1, Math.floor(training.length / MAX_FACES));
  const faces = training.filter((_, i) => i % every === 0);
  const inputs = new Float32Array(faces.length * POSTURE_DIM);
  faces.forEach(({ code }, i) => {
    inputs.set(code, i * POSTURE_DIM);
  });
  const path = ridgePath(
    {
      inputs,
      outputs: Float32Array.from(faces.flatMap(({ yaw, pitch }) => [yaw, pitch])),
      weights: new Float32Array(faces.length).fill(1),
    },
    { inputs: POSTURE_DIM, outputs: 2 },
  );
  return PENALTIES.map((penalty): PoseReadOut => {
    const { map, offset } = path.solve(penalty);
    const read: PoseReadOut['read'] = ({ code }) => {
      let [yaw, pitch] = [offset[0]!, offset[1]!];
      for (let i = 0; i < POSTURE_DIM; i++) {
        yaw += code[i]! * map[2 * i]!;
        pitch += code[i]! * map[2 * i + 1]!;
      }
      return { yaw, pitch };
    };
    return {
      weights: new Map([
        ['probe.weight', { shape: [POSTURE_DIM, 2], values: map }],
        ['probe.bias', { shape: [2], values: offset }],
      ]),
      read,
      error: mean(validation.map((face) => Math.abs(read(face).yaw - face.yaw))),
    };
  }).reduce((least, next) => (next.error < least.error ? next : least));
}

/** What a generator is told about the target posture; the worker passes on whatever the posture bank holds. */
import { LANDMARK_COUNT, type Landmarks68, POSTURE_DIM } from '../shared/face.ts';

/**
 * - `code`: the autoencoder's posture code.
 * - `yaw`: the measured yaw alone.
 * - `landmarks`: the 68 points as they are, without an autoencoder.
 * - `none`: nothing; every posture looks alike.
 */
export const POSTURE_FORMS = ['code', 'yaw', 'landmarks', 'none'] as const;
export type PostureForm = (typeof POSTURE_FORMS)[number];

/** Degrees between the centres of the yaw form's bumps (512 over −90…90), and their standard deviation. */
const BUMP_STEP = 180 / (POSTURE_DIM - 1);
const BUMP_WIDTH = 12;
/** Middle of a crop in pixels. */
const MIDDLE = 55.5;

/** 512 values of about unit length, whatever the form. */
export function postureInput(
  form: PostureForm,
  sample: { readonly code: Float32Array; readonly yaw: number; readonly landmarks: Landmarks68 },
): Float32Array {
  switch (form) {
    case 'code':
      return sample.code;
    case 'none':
      return new Float32Array(POSTURE_DIM);
    case 'yaw': {
      // A bump over yaw, so that a linear layer can form any smooth function of it.
      const bump = Float32Array.from({ length: POSTURE_DIM }, (_, i) =>
        Math.exp(-0.5 * ((-90 + BUMP_STEP * i - sample.yaw) / BUMP_WIDTH) ** 2),
      );
      const length = Math.sqrt(bump.reduce((sum, value) => sum + value * value, 0));
      return bump.map((value) => value / length);
    }
    case 'landmarks': {
      const values = new Float32Array(POSTURE_DIM);
      // Points lie within about ±40 pixels of the middle: root mean square 25.
      const scale = 1 / (25 * Math.sqrt(2 * LANDMARK_COUNT));
      sample.landmarks.forEach((value, i) => {
        values[i] = (value - MIDDLE) * scale;
      });
      return values;
    }
  }
}

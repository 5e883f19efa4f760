/** Faces as the questions about the posture code see them. */
import type { TrainingSample } from '../../src/training/samples.ts';

export type Expression = 'neutral' | 'smile';

export interface PostureFace extends TrainingSample {
  /** 512 values. */
  readonly code: Float32Array;
  /** Undefined where the corpus does not say. */
  readonly expression: Expression | undefined;
}

/** What a face is described by: the columns of every comparison. */
export const FEATURES = {
  code: ({ code }) => code,
  landmarks: ({ landmarks }) => landmarks,
  embedding: ({ embedding }) => embedding,
} as const satisfies Record<string, (face: PostureFace) => Float32Array>;
export type Feature = keyof typeof FEATURES;

/** From the name of a photograph of the Face Research Lab London Set as posecast keeps it: neutral.jpg, smile.jpg. */
export function expressionOf(faceId: string): Expression | undefined {
  const name = faceId.slice(faceId.lastIndexOf('/') + 1).toLowerCase();
  if (name.includes('smil')) return 'smile';
  return name.includes('neutral') ? 'neutral' : undefined;
}

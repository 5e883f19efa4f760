/** Crops → identity embeddings of unit length. */
import type { FaceCrop, Rejection } from '../../shared/face.ts';
import type { Recognizer } from '../models/recognizer.ts';

/** Norms below this carry no direction: float32 noise would be the identity. */
const MIN_NORM = 1e-6;

/** One embedding of unit length a crop; a rejection where the network's answer has no direction. */
export async function embedCrops(
  recognizer: Recognizer,
  crops: readonly FaceCrop[],
): Promise<(Float32Array | Rejection)[]> {
  return (await recognizer.embed(crops)).map(normalised);
}

/** Divides by the length in place; a rejection where a value is not finite or the length is zero. */
function normalised(values: Float32Array): Float32Array | Rejection {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  if (!Number.isFinite(norm)) {
    return { stage: 'embed', code: 'not-finite', message: 'the embedding has values that are not finite' };
  }
  if (norm < MIN_NORM) {
    return { stage: 'embed', code: 'zero-norm', message: `the embedding has no direction, length ${norm}` };
  }
  for (let i = 0; i < values.length; i++) values[i]! /= norm;
  return values;
}

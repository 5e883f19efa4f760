/**
 * Generators of the KDEF protocols: a FRA model as it is, and a ridge map that is fitted to the protocol's own pairs.
 */
import { POSTURE_DIM } from '../../shared/face.ts';
import { normalizeInPlace } from '../../shared/l2.ts';
import { KDEF_ANGLES, KDEF_YAW, kdefSubjectOf } from '../../shared/labels/kdefName.ts';
import type { Combiner } from '../../worker/models/combiner.ts';
import { applyChange, fitChange } from '../rivals/ridgeMap.ts';
import type { FitKdefGenerator } from './kdefFaces.ts';

/** Samples that a combiner gets at a time. */
const CHUNK = 256;

/** Trained before and elsewhere: it learns nothing from the pairs. */
export function fraKdefGenerator(combiner: Combiner): FitKdefGenerator {
  return async () => async (wanted) => {
    const made: Float32Array[] = [];
    for (let start = 0; start < wanted.length; start += CHUNK) {
      const chunk = wanted.slice(start, start + CHUNK);
      const dim = chunk[0]!.input.embedding.length;
      const identities = new Float32Array(chunk.length * dim);
      const postures = new Float32Array(chunk.length * POSTURE_DIM);
      chunk.forEach(({ input, posture }, i) => {
        identities.set(input.embedding, i * dim);
        postures.set(posture.postureCode, i * POSTURE_DIM);
      });
      const embeddings = await combiner.combine(identities, postures);
      chunk.forEach((_, i) => {
        made.push(embeddings.slice(i * dim, (i + 1) * dim));
      });
    }
    return made;
  };
}

/** One penalty for both forms: nothing here is chosen on the test. */
const PENALTY = 30;

/**
 * A ridge map to each angle. As published it is fitted to the test people too, so that it shows what that mistake
 * gives the simplest generator; put right, it never sees them.
 */
export const ridgeKdefGenerator: FitKdefGenerator = async (pairs) => {
  const maps = new Map(
    KDEF_ANGLES.flatMap((angle) => {
      const own = pairs.filter(({ output }) => output.labels.angle === angle);
      if (own.length < 2) return [];
      const faces = own.map(({ input, output }) => ({
        subjectId: kdefSubjectOf(input.labels),
        source: input.embedding,
        target: output.embedding,
        yaw: KDEF_YAW[angle],
      }));
      return [[angle, fitChange(faces, PENALTY)] as const];
    }),
  );
  return async (wanted) =>
    wanted.map(({ input, posture }) => {
      const change = maps.get(posture.labels.angle);
      const moved =
        change === undefined
          ? Float32Array.from(input.embedding)
          : applyChange(change, [input.embedding])[0]!;
      normalizeInPlace(moved);
      return moved;
    });
};

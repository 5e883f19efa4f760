/** Variants of photographs at postures of the bank, as a worker generates them. */
import type { PostureBank } from '../../src/fra/postureBank.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { poseBin } from '../../src/shared/poseBins.ts';
import { seededRandom, shuffle } from '../../src/shared/random.ts';
import type { Combiner } from '../../src/worker/models/combiner.ts';
import type { Claim } from './keptByVariants.ts';
import type { Expression, PostureFace } from './postureFace.ts';

/** Postures of one pose bin that are asked for, at most. */
const PER_BIN = 8;

export interface Variant extends Claim {
  /** Embedding of the photograph. */
  readonly source: Float32Array;
}

/** Expression of the face that each posture of the bank was measured on; found by its pose, which is kept exactly. */
export function donorsOf(bank: PostureBank, faces: readonly PostureFace[]): (Expression | undefined)[] {
  const key = (yaw: number, pitch: number, roll: number) => [yaw, pitch, roll].map(Math.fround).join(' ');
  const known = new Map(
    faces.map(({ pose, expression }) => [key(pose.yaw, pose.pitch, pose.roll), expression]),
  );
  return bank.ids.map((_, i) => known.get(key(bank.yaw[i]!, bank.pitch[i]!, bank.roll[i]!)));
}

/** Every photograph at a seeded choice of postures, the same for all. */
export async function makeVariants(
  photographs: readonly PostureFace[],
  bank: PostureBank,
  donors: readonly (Expression | undefined)[],
  combiner: Combiner,
  seed: number,
): Promise<Variant[]> {
  const chosen = choosePostures(bank, seed);
  const postures = new Float32Array(chosen.length * POSTURE_DIM);
  chosen.forEach((posture, i) => {
    postures.set(bank.codes.subarray(posture * POSTURE_DIM, (posture + 1) * POSTURE_DIM), i * POSTURE_DIM);
  });
  const variants: Variant[] = [];
  for (const { subjectId, faceId, expression, embedding: source } of photographs) {
    const dim = source.length;
    const identities = new Float32Array(chosen.length * dim);
    for (let i = 0; i < chosen.length; i++) identities.set(source, i * dim);
    const made = await combiner.combine(identities, postures);
    chosen.forEach((posture, i) => {
      variants.push({
        ...{ subjectId, faceId, expression, source, donorExpression: donors[posture] },
        embedding: made.slice(i * dim, (i + 1) * dim),
        pose: { yaw: bank.yaw[posture]!, pitch: bank.pitch[posture]!, roll: bank.roll[posture]! },
      });
    });
  }
  return variants;
}

function choosePostures(bank: PostureBank, seed: number): number[] {
  const bins = new Map<number, number[]>();
  bank.ids.forEach((_, i) => {
    const bin = poseBin({ yaw: bank.yaw[i]!, pitch: bank.pitch[i]! });
    bins.set(bin, [...(bins.get(bin) ?? []), i]);
  });
  return [...bins].flatMap(([bin, members]) =>
    shuffle(seededRandom(seed, 'postures', bin), members).slice(0, PER_BIN),
  );
}

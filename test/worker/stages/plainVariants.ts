/** The variants of a subject by the plainest loop, every face looked at for every variant: slow, and easy to see through. */
import { countPoses } from '../../../src/shared/poseBins.ts';
import { type Random, randomInt, seededRandom } from '../../../src/shared/random.ts';
import type { VariantChoice, VariantRequest } from '../../../src/worker/stages/chooseVariants.ts';

const SOURCE_TOLERANCE = 10;

export function plainVariants(request: VariantRequest): VariantChoice[] {
  const { faces, targets, count, seed, subjectId, earlier } = request;
  if (faces.length === 0 || targets.reachable.length === 0) return [];
  const first = earlier?.firstVariant ?? 0;
  const random = seededRandom(seed, 'variants', subjectId, ...(first === 0 ? [] : [first]));
  const nextPosture = posturePicker(request, random);
  /** Of each entry, the sources it was taken with. */
  const sources = new Map<number, Set<number>>();
  return Array.from({ length: count }, (_, i) => {
    const variant = first + i;
    const posture = nextPosture();
    const target = { yaw: targets.poses.yaw[posture]!, pitch: targets.poses.pitch[posture]! };
    const used = sources.get(posture) ?? new Set();
    const source = nearestFace(faces, target, used, random);
    sources.set(posture, used.add(source));
    return { variant, source, posture };
  });
}

function posturePicker({ faces, targets, policy, earlier }: VariantRequest, random: Random): () => number {
  const { reachable, members } = targets;
  const fromBins = (pickBin: (left: readonly (readonly number[])[]) => number) => {
    let left: number[][] = [];
    return () => {
      if (left.every((entries) => entries.length === 0)) left = members.map((entries) => [...entries]);
      return takeAny(left[pickBin(left)]!, random);
    };
  };
  const emptiestFirst = (counts: Float64Array) => fromBins((left) => takeEmptiest(counts, left, random));
  switch (policy) {
    case 'random':
      return fromBins((left) => binOfAny(left, random));
    case 'uniform':
      return emptiestFirst(new Float64Array(reachable.length));
    case 'coverage': {
      const present = countPoses([...faces, ...(earlier?.poses ?? [])]);
      return emptiestFirst(Float64Array.from(reachable, (bin) => present[bin]!));
    }
  }
}

/** A bin with the lowest count of those that have entries left, by chance among equals; counts it. */
function takeEmptiest(counts: Float64Array, left: readonly (readonly number[])[], random: Random): number {
  let lowest = Infinity;
  for (const [bin, count] of counts.entries()) if (left[bin]!.length > 0) lowest = Math.min(lowest, count);
  const chosen = chooseIndex(counts, (count, bin) => count === lowest && left[bin]!.length > 0, random);
  counts[chosen]! += 1;
  return chosen;
}

/** The bin of any entry that is left, each as likely as the other. */
function binOfAny(left: readonly (readonly number[])[], random: Random): number {
  let before = randomInt(
    random,
    left.reduce((sum, entries) => sum + entries.length, 0),
  );
  return left.findIndex((entries) => {
    before -= entries.length;
    return before < 0;
  });
}

/** Takes an entry out, by chance; the last one comes into its place. */
function takeAny(entries: number[], random: Random): number {
  const at = randomInt(random, entries.length);
  const taken = entries[at]!;
  entries[at] = entries.at(-1)!;
  entries.pop();
  return taken;
}

/**
 * The face that has to turn least to reach the target; by chance among faces nearly as near, those not used before
 * others.
 */
function nearestFace(
  faces: VariantRequest['faces'],
  target: { readonly yaw: number; readonly pitch: number },
  used: ReadonlySet<number>,
  random: Random,
): number {
  const distances = faces.map((face) => Math.hypot(face.yaw - target.yaw, face.pitch - target.pitch));
  const best = distances.reduce((a, b) => Math.min(a, b), Infinity);
  const isNear = (distance: number) => distance <= best + SOURCE_TOLERANCE;
  const isLeft = used.size > 0 && distances.some((distance, face) => isNear(distance) && !used.has(face));
  return chooseIndex(distances, (distance, face) => isNear(distance) && !(isLeft && used.has(face)), random);
}

/** The index of a value that fits, by chance among those that do. */
function chooseIndex(
  values: ArrayLike<number>,
  fits: (value: number, index: number) => boolean,
  random: Random,
): number {
  let fitting = 0;
  for (let i = 0; i < values.length; i++) if (fits(values[i]!, i)) fitting++;
  let before = randomInt(random, fitting);
  for (let i = 0; i < values.length; i++) {
    if (fits(values[i]!, i) && before-- === 0) return i;
  }
  throw new Error('expected a value that fits, found none');
}

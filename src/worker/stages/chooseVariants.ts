/**
 * Which variants a subject gets: a source face and a target posture for each. They depend on the run seed, the subject
 * and its faces alone, so that a shard run twice asks for the same variants.
 */
import type { Pose, SubjectId } from '../../shared/face.ts';
import { countPoses, poseBin } from '../../shared/poseBins.ts';
import { type Random, randomInt, seededRandom } from '../../shared/random.ts';
import type { LoopYield } from '../loopYield.ts';

export type PosePolicy = 'coverage' | 'uniform' | 'random';

/** The poses of a posture bank, entry by entry, in degrees. */
export interface TargetPoses {
  readonly yaw: ArrayLike<number>;
  readonly pitch: ArrayLike<number>;
}

/** A posture bank's entries by pose bin; made once a run. */
export interface BinnedTargets {
  readonly poses: TargetPoses;
  /** The bins that hold at least one entry, ascending. */
  readonly reachable: readonly number[];
  /** Bank indices of each reachable bin, in the order of `reachable`. */
  readonly members: readonly (readonly number[])[];
}

export interface VariantRequest {
  readonly subjectId: SubjectId;
  /** Poses of the subject's real faces; an empty list gets no variants. */
  readonly faces: readonly Pick<Pose, 'yaw' | 'pitch'>[];
  readonly targets: BinnedTargets;
  readonly count: number;
  /** Present for somebody who has rows at other places. */
  readonly earlier?: EarlierChoices;
  readonly policy: PosePolicy;
  readonly seed: number;
}

/** What the run has of a subject at other places. */
export interface EarlierChoices {
  /** Poses of the real rows and of the variants. */
  readonly poses: readonly Pick<Pose, 'yaw' | 'pitch'>[];
  /** Number of the first variant now: no other place has it, or one of those that follow it here. */
  readonly firstVariant: number;
}

export interface VariantChoice {
  /** 0-based number of the variant within its subject. */
  readonly variant: number;
  /** Index into the subject's faces. */
  readonly source: number;
  /** Index into the posture bank. */
  readonly posture: number;
}

/** Faces this close to the best one, in degrees, are as good a source as it is. */
const SOURCE_TOLERANCE = 10;

export function binTargets(poses: TargetPoses): BinnedTargets {
  const byBin = new Map<number, number[]>();
  for (let i = 0; i < poses.yaw.length; i++) {
    const bin = poseBin({ yaw: poses.yaw[i]!, pitch: poses.pitch[i]! });
    const members = byBin.get(bin);
    if (members === undefined) byBin.set(bin, [i]);
    else members.push(i);
  }
  const reachable = [...byBin.keys()].sort((a, b) => a - b);
  return { poses, reachable, members: reachable.map((bin) => byBin.get(bin) as number[]) };
}

/**
 * - `coverage`: always the bin that has the fewest faces so far, real and chosen; ties by chance.
 * - `uniform`: every bin equally often, whatever the subject already has; order by chance.
 * - `random`: any entry of the bank, so that poses follow the bank's own distribution.
 *
 * No entry is taken twice before all have been: with the same source it would give the same embedding. A bin whose
 * entries are all taken is passed over until then. An entry that is taken again gets another source, as long as there
 * is one that is nearly as near.
 *
 * Somebody may have 100,000 photographs and be asked 10,000 variants of: the event loop runs in between.
 */
export async function chooseVariants(request: VariantRequest, loop: LoopYield): Promise<VariantChoice[]> {
  const { faces, targets, count, seed, subjectId, earlier } = request;
  if (faces.length === 0 || targets.reachable.length === 0) return [];
  const first = earlier?.firstVariant ?? 0;
  const random = seededRandom(seed, 'variants', subjectId, ...(first === 0 ? [] : [first]));
  const nextPosture = posturePicker(request, random);
  /** Of each entry, how it was taken before. */
  const taken = new Map<number, TakenPosture>();
  const choices: VariantChoice[] = [];
  for (let i = 0; i < count; i++) {
    const posture = nextPosture();
    const target = { yaw: targets.poses.yaw[posture]!, pitch: targets.poses.pitch[posture]! };
    let before = taken.get(posture);
    if (before === undefined) {
      before = { near: nearFaces(faces, target), used: [] };
      taken.set(posture, before);
    }
    choices.push({ variant: first + i, source: takeSource(before, random), posture });
    if (loop.isDue()) await loop.yield();
  }
  return choices;
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

/** An entry of the bank that was taken for a subject. */
interface TakenPosture {
  /** The faces that are as good a source as the best one, ascending; of all entries they may be many millions. */
  readonly near: Uint32Array;
  /** The places in `near` of those that it was taken with, ascending. */
  readonly used: number[];
}

/** The face that has to turn least to reach the target, and those nearly as near; ascending. */
function nearFaces(faces: VariantRequest['faces'], target: Pick<Pose, 'yaw' | 'pitch'>): Uint32Array {
  const distances = Float64Array.from(faces, (face) =>
    Math.hypot(face.yaw - target.yaw, face.pitch - target.pitch),
  );
  const best = distances.reduce((a, b) => Math.min(a, b), Infinity);
  const near: number[] = [];
  for (const [face, distance] of distances.entries())
    if (distance <= best + SOURCE_TOLERANCE) near.push(face);
  return Uint32Array.from(near);
}

/** One of the near faces by chance, those not used before others; notes it. */
function takeSource({ near, used }: TakenPosture, random: Random): number {
  if (used.length === near.length) return near[randomInt(random, near.length)]!;
  let place = randomInt(random, near.length - used.length);
  const passed = used.findIndex((taken, i) => taken - i > place);
  const at = passed < 0 ? used.length : passed;
  place += at;
  used.splice(at, 0, place);
  return near[place]!;
}

/**
 * The index of a value that fits, by chance among those that do. No list of them is made: this runs once a variant.
 */
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

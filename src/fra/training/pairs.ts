/**
 * What the combiner learns from: a person's embedding, a posture code, and the same person's embedding at that
 * posture. All choices come from a seeded generator.
 */
import { dot, normalizeInPlace } from '../../shared/l2.ts';
import { type Random, randomInt, randomNormal } from '../../shared/random.ts';

/** One measured face, real or rendered, of a person. */
export interface PairSample {
  readonly subjectId: string;
  /** Samples of one group show the same photograph. */
  readonly faceId: string;
  /** Samples of one grid index show about the same pose; −1: a near-frontal photograph. */
  readonly gridIndex: number;
  /** Degrees. */
  readonly yaw: number;
  readonly pitch: number;
  /** Unit length, D values. */
  readonly embedding: Float32Array;
  /** What a generator is told about the posture (`PostureForm`): the posture code as a rule. 512 values. */
  readonly code: Float32Array;
}

/** One row of a batch. */
export interface TrainingPair {
  /** The identity comes from here. */
  readonly source: PairSample;
  /** The embedding that should come out. */
  readonly target: PairSample;
  /** The posture code comes from here: the target itself, or somebody else's similar one at the same grid index. */
  readonly donor: PairSample;
  /** The same person at another pose. */
  readonly poseNegative: PairSample;
  /** The same person at the same pose in another photograph (expression, light); another pose where there is none. */
  readonly photographNegative: PairSample;
}

/** Samples by person, and by grid index, for choosing. */
export interface PairSource {
  readonly subjects: readonly (readonly PairSample[])[];
  readonly byGrid: ReadonlyMap<number, readonly PairSample[]>;
}

export function indexPairs(samples: readonly PairSample[]): PairSource {
  const subjects = new Map<string, PairSample[]>();
  const byGrid = new Map<number, PairSample[]>();
  for (const sample of samples) {
    const own = subjects.get(sample.subjectId) ?? [];
    own.push(sample);
    subjects.set(sample.subjectId, own);
    const same = byGrid.get(sample.gridIndex) ?? [];
    same.push(sample);
    byGrid.set(sample.gridIndex, same);
  }
  // One sample leaves nothing to learn between.
  return { subjects: [...subjects.values()].filter((own) => own.length > 1), byGrid };
}

/** Degrees of yaw and pitch within which a face counts as near-frontal. */
const NEAR_FRONTAL = 25;
/** Near-frontal samples that stand for a person, at most. */
const MAX_FRONTAL = 3;

/** A person's near-frontal samples, photographs first, the most frontal first; never empty. */
export function frontalSamples(own: readonly PairSample[]): PairSample[] {
  const angle = ({ yaw, pitch }: PairSample) => Math.max(Math.abs(yaw), Math.abs(pitch));
  const photographs = own.filter(({ gridIndex }) => gridIndex === -1);
  const ranked = [...(photographs.length > 0 ? photographs : own)].sort((a, b) => angle(a) - angle(b));
  const frontal = ranked.filter((sample) => angle(sample) <= NEAR_FRONTAL).slice(0, MAX_FRONTAL);
  return frontal.length > 0 ? frontal : ranked.slice(0, 1);
}

/** Longest random vector that is added to an identity, as a share of its length. */
const MAX_NOISE = 0.3;

/**
 * The same pair for a person who does not exist. There are few real people, and a combiner that knows them by heart
 * fails on others; there are many of these:
 * - every embedding becomes (1−w)·own + w·A + √(w(1−w))·(B − C) of three other people, each at the embedding's own grid
 *   index, because turning changes people alike. The weights sum to 1 and so do their squares: what people share
 *   (the effect of the pose) stays, and identities keep their spread;
 * - a random direction, which means nobody, is added to the source, and to every other embedding as far as it
 *   resembles the source: what the combiner does not know it has to carry through.
 * The donor's code stays.
 */
export function inventPerson(pair: TrainingPair, source: PairSource, random: Random): TrainingPair {
  const others = [0, 0, 0].map(() => pick(source.subjects, random));
  const w = random();
  const shares = [w, Math.sqrt(w * (1 - w)), -Math.sqrt(w * (1 - w))];
  const length = pair.source.embedding.length;
  const spread = (MAX_NOISE * random()) / Math.sqrt(length);
  const noise = Float32Array.from({ length }, () => spread * randomNormal(random));
  const change = (sample: PairSample): PairSample => {
    const counterparts = others.map((people) =>
      people.filter(({ gridIndex }) => gridIndex === sample.gridIndex),
    );
    if (counterparts.some((same) => same.length === 0)) return sample;
    const kept = dot(sample.embedding, pair.source.embedding);
    const embedding = sample.embedding.map((value, i) => (1 - w) * value + kept * noise[i]!);
    counterparts.forEach((same, k) => {
      const other = pick(same, random).embedding;
      for (let i = 0; i < length; i++) embedding[i]! += shares[k]! * other[i]!;
    });
    normalizeInPlace(embedding);
    return { ...sample, embedding };
  };
  return {
    source: change(pair.source),
    target: change(pair.target),
    donor: pair.donor,
    poseNegative: change(pair.poseNegative),
    photographNegative: change(pair.photographNegative),
  };
}

/** Degrees between two poses at which they count as different. */
const POSE_APART = 12;
/** Sources turned further than this are left out: a worker's sources are mostly near-frontal. */
const MAX_SOURCE_YAW = 50;

/** Share of sources that are photographs, as a worker's are; the others are renders. */
const PHOTOGRAPH_SHARE = 0.8;
/** Samples among which a donor is looked for. */
const DONOR_CHOICES = 8;

/** One pair for each of `count` different people (fewer when there are fewer people). */
export function choosePairs(source: PairSource, count: number, random: Random): TrainingPair[] {
  const people = sampleWithout(source.subjects, count, random);
  // Half of the batches look at one grid index, so that people cannot be told apart by pose.
  const grids = [...source.byGrid.keys()];
  const grid = random() < 0.5 ? grids[randomInt(random, grids.length)] : undefined;
  return people.map((own) => {
    const atGrid = grid === undefined ? [] : own.filter((sample) => sample.gridIndex === grid);
    const target = pick(atGrid.length > 0 ? atGrid : own, random);
    const usable = own.filter((sample) => sample !== target && Math.abs(sample.yaw) <= MAX_SOURCE_YAW);
    const photographs = usable.filter((sample) => sample.gridIndex === -1);
    const preferred = photographs.length > 0 && random() < PHOTOGRAPH_SHARE ? photographs : usable;
    const others = source.byGrid.get(target.gridIndex) ?? [target];
    // A photograph's pose is not on the grid, so only its own code belongs to it.
    const donor = target.gridIndex === -1 || random() < 0.5 ? target : nearestCode(target, others, random);
    const apart = own.filter(
      (sample) =>
        Math.max(Math.abs(sample.yaw - target.yaw), Math.abs(sample.pitch - target.pitch)) >= POSE_APART,
    );
    const poseNegative = pick(apart.length > 0 ? apart : own, random);
    const sameView = own.filter(
      (sample) => sample.gridIndex === target.gridIndex && sample.faceId !== target.faceId,
    );
    return {
      source: pick(preferred.length > 0 ? preferred : own, random),
      target,
      donor,
      poseNegative,
      photographNegative: sameView.length > 0 ? pick(sameView, random) : poseNegative,
    };
  });
}

/** Of a few samples the one whose posture code is nearest: of the same expression, as a rule. */
function nearestCode(target: PairSample, samples: readonly PairSample[], random: Random): PairSample {
  let [best, least] = [target, Infinity];
  for (let i = 0; i < DONOR_CHOICES; i++) {
    const sample = pick(samples, random);
    if (sample.subjectId === target.subjectId) continue;
    let distance = 0;
    for (let k = 0; k < sample.code.length; k++) distance += (sample.code[k]! - target.code[k]!) ** 2;
    if (distance < least) [best, least] = [sample, distance];
  }
  return best;
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[randomInt(random, items.length)]!;
}

function sampleWithout<T>(items: readonly T[], count: number, random: Random): T[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const at = randomInt(random, left.length);
    const chosen = left[at]!;
    left[at] = left[left.length - 1]!;
    left.pop();
    return chosen;
  });
}

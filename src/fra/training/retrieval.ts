/**
 * The criterion that chooses weights: is the right person found at the target pose? For a number of postures every
 * known person's variant is generated at that posture. Real (or rendered) faces of validation people at about that pose
 * look for their own variant there, among the variants of everybody else at all postures.
 */
import * as tf from '@tensorflow/tfjs-core';
import { dot } from '../../shared/l2.ts';
import { randomInt, seededRandom, shuffle } from '../../shared/random.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import { type Question, stackRows } from './answers.ts';
import { frontalSamples, type PairSample } from './pairs.ts';
import { mean } from './statistics.ts';

export interface RetrievalTask {
  /** A training person's sample, whose posture is the target. */
  readonly donor: PairSample;
  /** One near-frontal sample of every person. */
  readonly gallery: readonly PairSample[];
  /** Faces of validation people at that pose; `person` is their place in the gallery. */
  readonly queries: readonly { readonly target: PairSample; readonly person: number }[];
}

/** Postures, people in the gallery, and faces of one person in a task, at most. */
const MAX_TASKS = 24;
const MAX_GALLERY = 120;
const MAX_OWN_QUERIES = 2;
/** Degrees: samples of one cell count as one pose; cells nearer to frontal than this are left out. */
const YAW_CELL = 15;
const PITCH_CELL = 20;

function poseCell({ yaw, pitch }: PairSample): string {
  return `${Math.round(yaw / YAW_CELL)} ${Math.round(pitch / PITCH_CELL)}`;
}

/** Tasks over the poses that both training and validation people show, beyond frontal ones. */
export function makeRetrievalTasks(
  training: readonly PairSample[],
  validation: readonly PairSample[],
  seed: number,
): RetrievalTask[] {
  const random = seededRandom(seed, 'boards');
  const gallerySamples = [
    ...onePerPerson(validation),
    ...shuffle(random, onePerPerson(training)).slice(0, MAX_GALLERY),
  ];
  const places = new Map(gallerySamples.map(({ subjectId }, i) => [subjectId, i]));
  const donors = groupBy(training, poseCell);
  const targets = groupBy(validation, poseCell);
  targets.delete('0 0');
  const cells = [...targets.keys()].filter((cell) => donors.has(cell)).sort();
  return shuffle(random, cells)
    .slice(0, MAX_TASKS)
    .map((cell) => {
      const own = donors.get(cell)!;
      const bySubject = groupBy(targets.get(cell)!, ({ subjectId }) => subjectId);
      const queries = [...bySubject].flatMap(([subjectId, samples]) => {
        const person = places.get(subjectId)!;
        // Another photograph than the gallery's, where there is one: the variant must not only copy it.
        const others = samples.filter(({ faceId }) => faceId !== gallerySamples[person]!.faceId);
        return shuffle(random, others.length > 0 ? others : samples)
          .slice(0, MAX_OWN_QUERIES)
          .map((target) => ({ target, person }));
      });
      return { donor: own[randomInt(random, own.length)]!, gallery: gallerySamples, queries };
    });
}

function onePerPerson(samples: readonly PairSample[]): PairSample[] {
  return [...groupBy(samples, ({ subjectId }) => subjectId).values()].map((own) => frontalSamples(own)[0]!);
}

/** What the generator has to answer for all tasks, task by task. */
export function retrievalQuestions(tasks: readonly RetrievalTask[]): Question[] {
  return tasks.flatMap(({ donor, gallery }) =>
    gallery.map(({ embedding }) => ({ identity: embedding, posture: donor.code })),
  );
}

export interface Retrieval {
  readonly queries: number;
  readonly gallery: number;
  /** Share of queries that are nearer to their own variant than to anybody else's at any posture. */
  readonly rank1: number;
  /**
   * Mean −log of the share that a softmax over these similarities gives to the own variant, at the best sharpness;
   * lower is better.
   */
  readonly loss: number;
  /** Mean rank-1 of each validation person, in the order of first appearance. */
  readonly byPerson: readonly number[];
}

/**
 * Factors of cosines in the softmax. The one that suits a generator best counts: how closely its variants lie together
 * is not what is judged, and a nearest neighbour does not depend on it.
 */
const SHARPNESSES = [8, 12, 16, 24, 32, 48, 64, 96];

/** Similarities this close are the same but for rounding. A tie is no hit: who answers everybody alike finds nobody. */
const TIE = 1e-6;

/**
 * `answers`: of unit length, in the order of `retrievalQuestions`. `own`: in their place what the query's own person
 * answers, to see what a wrong posture does while everybody else keeps the right one.
 */
export function judgeRetrieval(
  tasks: readonly RetrievalTask[],
  answers: readonly Float32Array[],
  own: readonly Float32Array[] = answers,
): Retrieval {
  const queries = tasks.flatMap(({ queries: asked, gallery }, task) =>
    asked.map(({ target, person }) => ({ target, person, place: task * gallery.length + person })),
  );
  const people = tasks[0]?.gallery.length ?? 0;
  // (queries, variants)
  const similarities = valuesOf(() =>
    tf.matMul(stackRows(queries.map(({ target }) => target.embedding)), tf.transpose(stackRows(answers))),
  );
  const losses = SHARPNESSES.map(() => 0);
  const hits = new Map<string, number[]>();
  queries.forEach(({ target, person, place }, q) => {
    const right = dot(own[place]!, target.embedding);
    let peak = Number.NEGATIVE_INFINITY;
    const totals = SHARPNESSES.map(() => 1);
    for (let v = 0; v < answers.length; v++) {
      if (v % people === person) continue;
      const similarity = similarities[q * answers.length + v]!;
      // Far below the right one a term changes nothing; most are.
      const lead = similarity - right;
      if (lead > -1) for (const [i, s] of SHARPNESSES.entries()) totals[i]! += Math.exp(s * lead);
      peak = Math.max(peak, similarity);
    }
    for (const [i, total] of totals.entries()) losses[i]! += Math.log(total);
    const found = hits.get(target.subjectId) ?? [];
    found.push(right > peak + TIE ? 1 : 0);
    hits.set(target.subjectId, found);
  });
  const all = [...hits.values()].flat();
  return {
    queries: all.length,
    gallery: people,
    rank1: mean(all),
    loss: Math.min(...losses) / Math.max(1, all.length),
    byPerson: [...hits.values()].map(mean),
  };
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const own = groups.get(key(item)) ?? [];
    own.push(item);
    groups.set(key(item), own);
  }
  return groups;
}

/** The trained generator on validation people: variants, their numbers and their charts. */
import type { Generator } from '../fra/generators/generator.ts';
import type { FraMetrics, RetrievalMetrics } from '../fra/modelCard.ts';
import {
  disposeWeights,
  type NamedWeights,
  trainableWeights,
  type Weights,
} from '../fra/networks/weights.ts';
import { answerAll, unitAnswers } from '../fra/training/answers.ts';
import type { Probe } from '../fra/training/combinerTask.ts';
import { meanInterval } from '../fra/training/interval.ts';
import { judgeVariants } from '../fra/training/judgeVariants.ts';
import { frontalSamples, type PairSample } from '../fra/training/pairs.ts';
import {
  judgeRetrieval,
  makeRetrievalTasks,
  type RetrievalTask,
  retrievalQuestions,
} from '../fra/training/retrieval.ts';
import { ConfigError } from '../shared/errors.ts';
import { centroid, dot } from '../shared/l2.ts';
import { randomInt, seededRandom, shuffle } from '../shared/random.ts';
import { type Chart, histogram } from './pictures.ts';

/** Degrees that a probe's target is at least turned. */
const TURNED = 12;
/** Targets of one source at most. */
const MAX_TARGETS = 24;

/**
 * Near-frontal faces of validation people, sent to the pose of another face of theirs by a training person's posture.
 */
export function makeProbes(
  training: readonly PairSample[],
  validation: readonly PairSample[],
  seed: number,
): Probe[] {
  const random = seededRandom(seed, 'probes');
  return peopleOf(validation).flatMap((own) =>
    frontalSamples(own).flatMap((source) => {
      const turned = own.filter(
        (sample) => sample !== source && Math.max(Math.abs(sample.yaw), Math.abs(sample.pitch)) >= TURNED,
      );
      // Renders of the source itself; where there are none, the person's other photographs.
      const sameFace = turned.filter(({ faceId }) => faceId === source.faceId);
      return shuffle(random, sameFace.length > 0 ? sameFace : turned)
        .slice(0, MAX_TARGETS)
        .flatMap((target) => {
          const donors = training.filter(({ gridIndex }) => gridIndex === target.gridIndex);
          return donors.length === 0
            ? []
            : [{ source, target, donor: donors[randomInt(random, donors.length)]! }];
        });
    }),
  );
}

/**
 * Refuses what could not be judged after hours of training. Poses alone decide it: the samples need no codes yet.
 *
 * @throws ConfigError when nobody to learn from has two faces, or validation people do not show turned faces beside the
 *   ones that stand for them.
 */
export function requireTurnedFaces(
  training: readonly PairSample[],
  validation: readonly PairSample[],
  seed: number,
): void {
  const probes = makeProbes(training, validation, seed);
  // Who has one face only is sent to its own pose, and asked for by itself: any generator that changes nothing is
  // right.
  const targets = new Set(
    probes.filter(({ source, target }) => source !== target).map(({ target }) => target),
  );
  const queries = makeRetrievalTasks(training, validation, seed).flatMap(({ gallery, queries: asked }) =>
    asked.filter(({ target, person }) => gallery[person] !== target),
  );
  // One face has no spread.
  const pairs = peopleOf(training).some((own) => own.length > 1);
  if (pairs && targets.size > 1 && queries.length > 0) return;
  throw new ConfigError(
    'too-few-poses',
    'training needs people at several poses: near-frontal photographs, which are rendered at others unless --renders is off, or ' +
      'several turned ones of each person',
    { validationPeople: peopleOf(validation).length, faces: validation.length, turned: targets.size },
  );
}

export interface JudgeRequest {
  readonly generator: Generator;
  readonly weights: NamedWeights;
  readonly probes: readonly Probe[];
  readonly tasks: readonly RetrievalTask[];
  readonly training: readonly PairSample[];
  readonly validation: readonly PairSample[];
  readonly seed: number;
}

/** Numbers and charts of the card. */
export function judgeCombiner(request: JudgeRequest): {
  metrics: FraMetrics['combiner'];
  minSimilarity: number;
  charts: Chart[];
} {
  const { generator, probes, training, validation } = request;
  const weights = trainableWeights(request.weights);
  const retrieval = judgeTasks(request, weights);
  const answer = (chosen: readonly Pick<Probe, 'source' | 'donor'>[]) =>
    answerAll(
      generator,
      weights,
      chosen.map(({ source, donor }) => ({ identity: source.embedding, posture: donor.code })),
    );
  const variants = answer(probes);
  const shuffled = answer(
    // Far enough that the pose differs.
    probes.map(({ source }, i) => ({ source, donor: probes[(i + 7) % probes.length]!.donor })),
  );
  disposeWeights(weights);
  const centroids = new Map(
    peopleOf([...training, ...validation]).map((own) => [
      own[0]!.subjectId,
      centroid(frontalSamples(own).map(({ embedding }) => embedding)),
    ]),
  );
  const offsets = meanOffsets(training);
  const realSimilarities = probes.map(({ target }) =>
    dot(target.embedding, centroids.get(target.subjectId)!),
  );
  const judgement = judgeVariants(
    probes.map(({ source, target }, i) => ({
      subjectId: source.subjectId,
      variant: variants[i]!,
      shuffled: shuffled[i]!,
      source: source.embedding,
      meanOffset: source.embedding.map((value, k) => value + (offsets.get(target.gridIndex)?.[k] ?? 0)),
      target: target.embedding,
    })),
    centroids,
    new Set(validation.map(({ subjectId }) => subjectId)),
    realSimilarities,
    probes.map(({ target }) => target.embedding),
  );
  const norms = variants.map((variant) => Math.sqrt(dot(variant, variant)));
  const ownSimilarities = probes.map(
    ({ source }, i) => dot(variants[i]!, centroids.get(source.subjectId)!) / norms[i]!,
  );
  return {
    minSimilarity: judgement.minSimilarity,
    metrics: { ...judgement.metrics, ...retrieval },
    charts: [
      {
        title: 'Similarity to the own centroid, validation people',
        xLabel: 'cosine',
        curves: [
          histogram('variants', ownSimilarities, -0.2, 1),
          histogram('real', realSimilarities, -0.2, 1),
        ],
      },
      {
        title: 'Length of the generator’s answers',
        xLabel: 'L2 norm',
        curves: [histogram('variants', norms, 0, 2)],
      },
    ],
  };
}

/**
 * Retrieval with the true postures, with those of other poses, and with one mean posture; others keep the true ones.
 */
function judgeTasks(
  { generator, tasks, training, seed }: JudgeRequest,
  weights: Weights,
): Pick<FraMetrics['combiner'], 'retrieval' | 'shuffledPosture' | 'removedPosture'> {
  const answersOf = (of: readonly RetrievalTask[]) => unitAnswers(generator, weights, retrievalQuestions(of));
  const answers = answersOf(tasks);
  const judge = (changed: readonly RetrievalTask[]): RetrievalMetrics => {
    const found = judgeRetrieval(tasks, answers, answersOf(changed));
    const { low, high } = meanInterval(found.byPerson, seed);
    const { queries, gallery, rank1, loss } = found;
    return { queries, gallery, rank1, rank1Interval: { low, high }, loss };
  };
  const half = Math.floor(tasks.length / 2);
  const code = new Float32Array(training[0]!.code.length);
  for (const sample of training)
    for (let i = 0; i < code.length; i++) code[i]! += sample.code[i]! / training.length;
  return {
    retrieval: judge(tasks),
    shuffledPosture: judge(
      tasks.map((task, i) => ({ ...task, donor: tasks[(i + half) % tasks.length]!.donor })),
    ),
    removedPosture: judge(tasks.map((task) => ({ ...task, donor: { ...task.donor, code } }))),
  };
}

function peopleOf(samples: readonly PairSample[]): PairSample[][] {
  const people = new Map<string, PairSample[]>();
  for (const sample of samples) {
    const own = people.get(sample.subjectId) ?? [];
    own.push(sample);
    people.set(sample.subjectId, own);
  }
  return [...people.values()];
}

/** Mean change from a person's near-frontal face, at every grid index. */
function meanOffsets(training: readonly PairSample[]): Map<number, Float32Array> {
  const sums = new Map<number, { sum: Float32Array; count: number }>();
  for (const own of peopleOf(training)) {
    const sources = frontalSamples(own);
    for (const target of own) {
      const source = sources.find(({ faceId }) => faceId === target.faceId) ?? sources[0]!;
      if (target.gridIndex === -1) continue;
      const { sum, count } = sums.get(target.gridIndex) ?? {
        sum: new Float32Array(target.embedding.length),
        count: 0,
      };
      for (let i = 0; i < sum.length; i++) sum[i]! += target.embedding[i]! - source.embedding[i]!;
      sums.set(target.gridIndex, { sum, count: count + 1 });
    }
  }
  return new Map(
    [...sums].map(([gridIndex, { sum, count }]) => [gridIndex, sum.map((value) => value / count)]),
  );
}

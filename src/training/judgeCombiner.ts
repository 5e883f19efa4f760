/** The trained combiner on validation people: variants, their numbers and their charts. */
import type { FraMetrics } from '../fra/modelCard.ts';
import type { CombinerConfig } from '../fra/networks/combiner.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../fra/networks/weights.ts';
import { generate, type Probe } from '../fra/training/combinerTask.ts';
import { judgeVariants } from '../fra/training/evaluate.ts';
import type { PairSample } from '../fra/training/pairs.ts';
import { centroid, dot } from '../shared/l2.ts';
import { randomInt, seededRandom } from '../shared/random.ts';
import { type Chart, histogram } from './pictures.ts';

/** Photographs of validation people, sent to every grid pose by a training person's posture. */
export function makeProbes(
  pairs: readonly PairSample[],
  training: readonly PairSample[],
  validating: ReadonlySet<string>,
  seed: number,
): Probe[] {
  const random = seededRandom(seed, 'probes');
  const own = pairs.filter(({ subjectId }) => validating.has(subjectId));
  return own
    .filter(({ gridIndex }) => gridIndex === -1)
    .flatMap((source) =>
      own
        .filter(({ faceId, gridIndex }) => faceId === source.faceId && gridIndex >= 0)
        .flatMap((target) => {
          const donors = training.filter(({ gridIndex }) => gridIndex === target.gridIndex);
          return donors.length === 0
            ? []
            : [{ source, target, donor: donors[randomInt(random, donors.length)]! }];
        }),
    );
}

/** Numbers and charts of the card; `pairs` are of everybody. */
export function judgeCombiner(
  weights: NamedWeights,
  network: CombinerConfig,
  probes: readonly Probe[],
  pairs: readonly PairSample[],
  validating: ReadonlySet<string>,
): { metrics: FraMetrics['combiner']; minSimilarity: number; charts: Chart[] } {
  const tensors = trainableWeights(weights);
  const variants = generate(tensors, network, probes);
  const shuffled = generate(
    tensors,
    network,
    // Far enough that the grid index differs.
    probes.map(({ source }, i) => ({ source, donor: probes[(i + 7) % probes.length]!.donor })),
  );
  disposeWeights(tensors);
  const photographs = pairs.filter(({ gridIndex }) => gridIndex === -1);
  const centroids = new Map(
    [...new Set(photographs.map(({ subjectId }) => subjectId))].map((subject) => [
      subject,
      centroid(
        photographs.filter(({ subjectId }) => subjectId === subject).map(({ embedding }) => embedding),
      ),
    ]),
  );
  const offsets = meanOffsets(pairs.filter(({ subjectId }) => !validating.has(subjectId)));
  const reals = probes.map(({ target }) => target.embedding);
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
    validating,
    realSimilarities,
    reals,
  );
  const ownSimilarities = probes.map(({ source }, i) => dot(variants[i]!, centroids.get(source.subjectId)!));
  const norms = variants.map((variant) => Math.sqrt(dot(variant, variant)));
  return {
    ...judgement,
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
        title: 'Length of the combiner’s answers',
        xLabel: 'L2 norm',
        curves: [histogram('variants', norms, 0, 2)],
      },
    ],
  };
}

/** Mean of render − photograph at every grid index. */
function meanOffsets(pairs: readonly PairSample[]): Map<number, Float32Array> {
  const photographs = new Map(
    pairs.filter(({ gridIndex }) => gridIndex === -1).map((pair) => [pair.faceId, pair.embedding]),
  );
  const sums = new Map<number, { sum: Float32Array; count: number }>();
  for (const { faceId, gridIndex, embedding } of pairs) {
    const photograph = photographs.get(faceId);
    if (gridIndex === -1 || photograph === undefined) continue;
    const { sum, count } = sums.get(gridIndex) ?? { sum: new Float32Array(embedding.length), count: 0 };
    for (let i = 0; i < sum.length; i++) sum[i]! += embedding[i]! - photograph[i]!;
    sums.set(gridIndex, { sum, count: count + 1 });
  }
  return new Map(
    [...sums].map(([gridIndex, { sum, count }]) => [gridIndex, sum.map((value) => value / count)]),
  );
}

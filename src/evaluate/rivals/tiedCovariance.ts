/**
 * Semantic augmentation in the style of ISDA (Wang et al. 2019), with one covariance for everybody: the source plus a
 * normal sample with the covariance of training people's embeddings around their own means.
 */
import { randomNormal, seededRandom } from '../../shared/random.ts';
import { type Method, perRequest, sourceOf } from '../method.ts';
import { oncePerPairs, type PairSource, type PosePair } from './posePairs.ts';

/** Share of the covariance that is sampled; 0.5 is the published choice. */
const STRENGTH = 0.5;

export function tiedCovariance(source: PairSource): Method {
  return {
    id: `covariance-${source.id}`,
    label: 'tied covariance (ISDA)',
    kind: 'rival',
    trainedOn: source.label,
    async prepare(trial) {
      const deviations = learn(source.pairs(trial));
      const scale = Math.sqrt(STRENGTH / Math.max(1, deviations.length));
      return perRequest((request) => {
        const { embedding, faceId } = sourceOf(request);
        const random = seededRandom(trial.seed, 'covariance', faceId, request.variant);
        const sum = Float32Array.from(embedding);
        // Σ gᵢ dᵢ / √n with standard normal gᵢ has covariance Σ dᵢ dᵢᵀ / n: no matrix is needed.
        for (const deviation of deviations) {
          const factor = scale * randomNormal(random);
          for (let i = 0; i < sum.length; i++) sum[i]! += factor * deviation[i]!;
        }
        return sum;
      });
    },
  };
}

/** More deviations cost time and add nothing to a covariance that is sampled ten times. */
const MAX_DEVIATIONS = 400;

const learn = oncePerPairs((pairs) => {
  const deviations = withinPersonDeviations(pairs);
  const every = Math.max(1, Math.floor(deviations.length / MAX_DEVIATIONS));
  return deviations.filter((_, i) => i % every === 0);
});

/** Every embedding of the pairs, once, minus the mean of its person. */
export function withinPersonDeviations(pairs: readonly PosePair[]): Float32Array[] {
  const people = new Map<string, Set<Float32Array>>();
  for (const { subjectId, source, target } of pairs) {
    const own = people.get(subjectId) ?? new Set();
    people.set(subjectId, own.add(source).add(target));
  }
  return [...people.values()].flatMap((own) => {
    const mean = new Float32Array([...own][0]!.length);
    for (const embedding of own) for (let i = 0; i < mean.length; i++) mean[i]! += embedding[i]! / own.size;
    return [...own].map((embedding) => embedding.map((value, i) => value - mean[i]!));
  });
}

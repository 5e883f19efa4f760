/** Where generated embeddings of validation people lie: the numbers of a model's card that do not come from retrieval. */
import { dot, squaredDistance } from '../../shared/l2.ts';
import type { FraMetrics } from '../modelCard.ts';
import { mean } from './statistics.ts';

/** A generated embedding with what it should be. */
export interface JudgedVariant {
  readonly subjectId: string;
  readonly variant: Float32Array;
  /** The combiner's answer to the same identity with another row's posture code. */
  readonly shuffled: Float32Array;
  readonly source: Float32Array;
  /** The source plus the mean change that training people show at the target's grid pose. */
  readonly meanOffset: Float32Array;
  readonly target: Float32Array;
}

/** The numbers that do not come from retrieval. */
export type VariantMetrics = Omit<FraMetrics['combiner'], 'retrieval' | 'shuffledPosture' | 'removedPosture'>;

export interface Judgement {
  readonly metrics: VariantMetrics;
  /** Cosine below which a variant is as near to a stranger as to its own person. */
  readonly minSimilarity: number;
}

/** Of similarities between variants and the centroids of other people, the share that stays below the threshold. */
const STRANGER_SHARE = 0.999;

/**
 * Judges variants of validation people. `centroids`: of real embeddings, of every person; `validation` names the
 * validation people; `realSimilarities`: cosine of each of their real embeddings to their centroid.
 */
export function judgeVariants(
  variants: readonly JudgedVariant[],
  centroids: ReadonlyMap<string, Float32Array>,
  validation: ReadonlySet<string>,
  realSimilarities: readonly number[],
  reals: readonly Float32Array[],
): Judgement {
  let [first, firstOfValidation] = [0, 0];
  const own: number[] = [];
  const strangers: number[] = [];
  for (const { variant, subjectId } of variants) {
    const direction = unit(variant);
    const similarity = dot(direction, centroids.get(subjectId)!);
    own.push(similarity);
    let [best, bestOfValidation] = [-Infinity, -Infinity];
    for (const [other, centre] of centroids) {
      if (other === subjectId) continue;
      const foreign = dot(direction, centre);
      strangers.push(foreign);
      best = Math.max(best, foreign);
      if (validation.has(other)) bestOfValidation = Math.max(bestOfValidation, foreign);
    }
    if (similarity > best) first++;
    if (similarity > bestOfValidation) firstOfValidation++;
  }
  strangers.sort((a, b) => a - b);
  const quantile =
    strangers[Math.min(strangers.length - 1, Math.floor(STRANGER_SHARE * strangers.length))] ?? 0;
  const minSimilarity = Math.round(1000 * quantile) / 1000;
  const norms = variants.map(({ variant }) => Math.sqrt(dot(variant, variant)));
  const meanNorm = mean(norms);
  // As tables hold them, whatever length the generator answers with.
  const generated = spread(variants.map(({ variant }) => unit(variant)));
  const real = spread(reals);
  const shift = generated.centre.map((value, i) => value - real.centre[i]!);
  return {
    minSimilarity,
    metrics: {
      variants: variants.length,
      validationSubjects: validation.size,
      rank1: first / variants.length,
      rank1Validation: firstOfValidation / variants.length,
      similarityToTarget: mean(variants.map(({ variant, target }) => dot(unit(variant), target))),
      sourceSimilarityToTarget: mean(variants.map(({ source, target }) => dot(source, target))),
      meanOffsetSimilarityToTarget: mean(
        variants.map(({ meanOffset, target }) => dot(unit(meanOffset), target)),
      ),
      similarityToSource: mean(variants.map(({ variant, source }) => dot(unit(variant), source))),
      shuffledPostureSimilarityToTarget: mean(
        variants.map(({ shuffled, target }) => dot(unit(shuffled), target)),
      ),
      similarityToCentroid: mean(own),
      realSimilarityToCentroid: mean(realSimilarities),
      keptShare: own.filter((similarity) => similarity >= minSimilarity).length / own.length,
      meanNorm,
      normSpread: Math.sqrt(mean(norms.map((norm) => (norm - meanNorm) ** 2))),
      meanShift: Math.sqrt(dot(shift, shift)),
      varianceRatio: generated.variance / real.variance,
    },
  };
}

/** Mean vector, and total variance around it. */
function spread(vectors: readonly Float32Array[]): { centre: Float32Array; variance: number } {
  const centre = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors)
    for (let i = 0; i < centre.length; i++) centre[i]! += vector[i]! / vectors.length;
  return { centre, variance: mean(vectors.map((vector) => squaredDistance(vector, centre))) };
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / norm);
}

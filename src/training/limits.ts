import type { FraMetrics } from '../fra/modelCard.ts';
import type { SubjectSplit } from '../fra/training/splitSubjects.ts';
import type { GeneratorRequest } from './trainConfig.ts';

/**
 * What a card says a model does not do, in sentences.
 *
 * @param renders whether it learnt from renders, or from photographs alone.
 */
export function limitsOf(
  split: SubjectSplit,
  metrics: FraMetrics['combiner'],
  kind: GeneratorRequest['kind'],
  renders: boolean,
): string[] {
  const gain = metrics.similarityToTarget - metrics.sourceSimilarityToTarget;
  const target = renders ? 'rendered target' : 'photographed target';
  return [
    `Learnt from ${split.training.length} people; judged on ${split.validation.length} others of the same corpus${alsoChose(kind)}.`,
    `The mean change of training people at each pose, added to the source, reaches ${metrics.meanOffsetSimilarityToTarget.toFixed(3)} of cosine to the target; this generator ${metrics.similarityToTarget.toFixed(3)}.`,
    ...(renders
      ? ['Target poses are renders of frontal photographs: beyond 45° of yaw they show that they are.']
      : []),
    `A variant is ${gain >= 0 ? 'nearer' : 'farther'} to the ${target} than the unchanged source by ${Math.abs(gain).toFixed(3)} of cosine.`,
  ];
}

/** What validation people chose besides judging: closed forms have no steps. */
function alsoChose(kind: GeneratorRequest['kind']): string {
  switch (kind) {
    case 'mean-offset':
      return '';
    case 'ridge':
      return ', who also chose the penalty';
    case 'mixture':
      return ', who also chose the shares of its parts';
    default:
      return ', who also chose the step to keep';
  }
}

import type { FraMetrics } from '../fra/modelCard.ts';
import type { SubjectSplit } from '../fra/training/splitSubjects.ts';

/** What a card says a model does not do, in sentences. */
export function limitsOf(split: SubjectSplit, metrics: FraMetrics['combiner']): string[] {
  const gain = metrics.similarityToTarget - metrics.sourceSimilarityToTarget;
  return [
    `Learnt from ${split.training.length} people; judged on ${split.validation.length} others of the same corpus, who also chose the step to keep.`,
    `The mean change of training people at each pose, added to the source, reaches ${metrics.meanOffsetSimilarityToTarget.toFixed(3)} of cosine to the target; this generator ${metrics.similarityToTarget.toFixed(3)}.`,
    'Target poses are renders of frontal photographs: beyond 45° of yaw they show that they are.',
    `A variant is ${gain >= 0 ? 'nearer' : 'farther'} to the rendered target than the unchanged source by ${Math.abs(gain).toFixed(3)} of cosine.`,
  ];
}

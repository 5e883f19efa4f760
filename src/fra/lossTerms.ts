/** Names of the combiner's loss: in the card, on the command line, in the training. */

/**
 * How answers are compared with negatives: multi-class N-pair (Sohn 2016), or the triplets of the paper's public code.
 */
export const COMBINER_LOSSES = ['n-pair', 'triplet'] as const;
export type CombinerLoss = (typeof COMBINER_LOSSES)[number];

/**
 * - identity: negatives are other people.
 * - pose: negatives are the same person at another pose.
 * - photograph: negatives are the same person at the same pose in another photograph.
 * - alignment: 1 − cosine to the target, beside the terms that compare.
 */
export const COMBINER_TERMS = ['identity', 'pose', 'photograph', 'alignment'] as const;
export type CombinerTerm = (typeof COMBINER_TERMS)[number];

/** Factors of the loss terms; a term of factor 0 is left out. */
export type CombinerTermWeights = Readonly<Record<CombinerTerm, number>>;

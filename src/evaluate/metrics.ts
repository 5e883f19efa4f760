/** What is measured of every row of an evaluation, and the tasks that the numbers come from. */

/** In the order of the table. */
export const METRICS = {
  ncm: { label: 'NCM', task: 'identification', better: 'higher', meaning: 'accuracy, nearest class mean' },
  svmLinear: {
    label: 'linear SVM',
    task: 'identification',
    better: 'higher',
    meaning: 'accuracy, linear SVM',
  },
  svmRbf: {
    label: 'RBF SVM',
    task: 'identification',
    better: 'higher',
    meaning: 'accuracy, SVM with RBF kernel',
  },
  head: {
    label: 'head',
    task: 'retraining',
    better: 'higher',
    meaning: 'accuracy of a cosine classifier retrained on the frozen embeddings',
  },
  eer: {
    label: 'EER',
    task: 'verification',
    better: 'lower',
    meaning: 'equal error rate, probe against template',
  },
  tar2: { label: 'TAR@1%', task: 'verification', better: 'higher', meaning: 'true accept rate at FAR 1e-2' },
  tar3: {
    label: 'TAR@0.1%',
    task: 'verification',
    better: 'higher',
    meaning: 'true accept rate at FAR 1e-3',
  },
  tar4: {
    label: 'TAR@0.01%',
    task: 'verification',
    better: 'higher',
    meaning: 'true accept rate at FAR 1e-4',
  },
  frontalProfileEer: {
    label: 'frontal-profile EER',
    task: 'verification',
    better: 'lower',
    meaning: 'equal error rate of the most frontal photograph, with variants made from it, against one probe',
  },
  frontalProfileTar2: {
    label: 'frontal-profile TAR@1%',
    task: 'verification',
    better: 'higher',
    meaning: 'true accept rate at FAR 1e-2 of such pairs',
  },
  pairwiseF: {
    label: 'pairwise F',
    task: 'clustering',
    better: 'higher',
    meaning: 'F over pairs in one cluster',
  },
  bcubed: {
    label: 'BCubed F',
    task: 'clustering',
    better: 'higher',
    meaning: 'F of BCubed precision and recall',
  },
  nmi: { label: 'NMI', task: 'clustering', better: 'higher', meaning: 'normalised mutual information' },
  rank1: {
    label: 'rank-1',
    task: 'retrieval',
    better: 'higher',
    meaning: 'best gallery entry is the person',
  },
  meanAveragePrecision: {
    label: 'mAP',
    task: 'retrieval',
    better: 'higher',
    meaning: 'mean average precision over the gallery',
  },
} as const satisfies Record<string, MetricDescription>;

export interface MetricDescription {
  readonly label: string;
  readonly task: string;
  readonly better: 'higher' | 'lower';
  readonly meaning: string;
}

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

export const TASKS = ['identification', 'verification', 'clustering', 'retrieval', 'retraining'] as const;
export type Task = (typeof TASKS)[number];

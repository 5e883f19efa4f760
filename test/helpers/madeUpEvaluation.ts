/** A made-up evaluation for tests of the report: numbers near those of the first probe, one field changed at a time. */
import {
  type EvaluationResult,
  type EvaluationRow,
  type Interval,
  type Measured,
  parseEvaluation,
  type RecognizerResult,
  type RowKind,
  type Verdict,
} from '../../src/evaluate/result.ts';

export function around(value: number, half = 0.03): Interval {
  return { value, low: value - half, high: value + half };
}

const BASE = 0.64;
const BINS = [
  { from: 0, to: 30, probes: 31, subjects: 11, base: 0.93, share: 0.05 },
  { from: 30, to: 45, probes: 38, subjects: 12, base: 0.84, share: 0.4 },
  { from: 45, to: 60, probes: 52, subjects: 12, base: 0.66, share: 1.2 },
  { from: 60, to: 76, probes: 44, subjects: 12, base: 0.44, share: 1.9 },
  { from: 76, to: 90, probes: 25, subjects: 9, base: 0.31, share: 0.1 },
];

function measured(kind: RowKind, value: number, gain: number, half = 0.04): Measured {
  return kind === 'none' ? around(value, 0.08) : { ...around(value, 0.08), difference: around(gain, half) };
}

/** A row that gains `gain` of NCM; other measures follow. */
export function madeUpRow(
  id: string,
  kind: RowKind,
  gain: number,
  changes: Partial<EvaluationRow> = {},
): EvaluationRow {
  const of = (base: number, share: number) => measured(kind, base + share * gain, share * gain);
  return {
    id,
    label: id,
    kind,
    trainedOn: kind === 'none' ? '' : 'synthetic pairs of 66 people',
    metrics: {
      ncm: of(BASE, 1),
      svmLinear: of(0.635, 0.8),
      svmRbf: of(0.57, 1.1),
      head: of(0.61, 0.9),
      eer: of(0.15, -0.4),
      tar2: of(0.6, 0.6),
      tar3: of(0.41, 0.5),
      frontalProfileEer: of(0.21, -0.5),
      frontalProfileTar2: of(0.44, 0.7),
      pairwiseF: of(0.52, 0.3),
      bcubed: of(0.58, 0.3),
      nmi: of(0.81, 0.1),
      rank1: of(0.66, 0.9),
      meanAveragePrecision: of(0.6, 0.8),
    },
    byYaw: BINS.map(({ base, share, ...bin }) => ({
      ...bin,
      ncm: measured(kind, Math.min(1, base + share * gain), share * gain, 0.045),
    })),
    oracleGapClosed: kind === 'none' ? null : around(gain / 0.265, 0.12),
    cost:
      kind === 'generator' || id === 'ridge map'
        ? { parameters: 4_213_000, multiplyAdds: 28_000_000, perSecond: 1616, weightBytes: 16_852_000 }
        : null,
    ...changes,
  };
}

export function madeUpVerdict(changes: Partial<Verdict> = {}): Verdict {
  return {
    rowId: 'fr-feature',
    helps: 'yes',
    bestRivalId: 'ridge map',
    againstBestRival: around(0.036, 0.03),
    postureUsed: 'yes',
    againstShuffled: around(0.05, 0.03),
    helpsAt: [],
    hurtsAt: [],
    unclearAt: [],
    text: 'made up',
    ...changes,
  };
}

const ROWS: EvaluationRow[] = [
  madeUpRow('none', 'none', 0),
  madeUpRow('fr-feature', 'generator', 0.107, {
    trainedOn: 'real pairs of the training folds and synthetic pairs of 66 London people',
  }),
  madeUpRow("paper's ViT, as published", 'generator', -0.052),
  madeUpRow('duplicate', 'rival', 0.004, { trainedOn: 'nothing' }),
  madeUpRow('jitter', 'rival', 0.007, { trainedOn: 'nothing; noise as long as the variants are far' }),
  madeUpRow('mirrored photograph', 'rival', 0.012, { trainedOn: 'nothing' }),
  madeUpRow('within-identity mixup', 'rival', 0.009, { trainedOn: 'nothing' }),
  madeUpRow('mean offset', 'rival', 0.013),
  madeUpRow('tied covariance', 'rival', -0.01),
  madeUpRow('WCCN', 'rival', 0.002),
  madeUpRow('ridge map', 'rival', 0.071),
  madeUpRow('residual MLP', 'rival', 0.043),
  madeUpRow('rendered photographs', 'rival', 0.083, { note: 'runs the recogniser for every variant' }),
  madeUpRow('oracle', 'oracle', 0.265, { trainedOn: 'own photographs at the probes’ angles' }),
  madeUpRow('posture shuffled', 'ablation', 0.057, { of: 'fr-feature' }),
  madeUpRow('yaw only', 'ablation', 0.099, { of: 'fr-feature' }),
  madeUpRow('no autoencoder', 'ablation', 0.104, { of: 'fr-feature' }),
  madeUpRow('no identity residual', 'ablation', -0.04, { of: 'fr-feature' }),
  madeUpRow('ridge, test people in training', 'control', 0.31, {
    trainedOn: 'real pairs of the test people too',
  }),
];

function curve(rowId: string, gains: readonly (readonly [number, number])[]) {
  return { rowId, label: rowId, points: gains.map(([x, gain]) => ({ x, ncm: around(BASE + gain, 0.05) })) };
}

export function madeUpRecognizer(changes: Partial<RecognizerResult> = {}): RecognizerResult {
  return {
    name: 'fr-feature',
    embedDim: 512,
    cost: { parameters: 1_190_000, multiplyAdds: 226_000_000, perSecond: 57, weightBytes: 4_900_000 },
    verdicts: [madeUpVerdict()],
    rows: ROWS,
    curves: {
      variants: [
        curve(
          'none',
          [1, 2, 5, 10, 20].map((x) => [x, 0] as const),
        ),
        curve('fr-feature', [
          [1, 0.03],
          [2, 0.06],
          [5, 0.09],
          [10, 0.107],
          [20, 0.108],
        ]),
        curve('ridge map', [
          [1, 0.02],
          [2, 0.04],
          [5, 0.06],
          [10, 0.071],
          [20, 0.07],
        ]),
      ],
      trainingPeople: [
        curve('fr-feature', [
          [10, 0.02],
          [25, 0.05],
          [50, 0.08],
          [66, 0.107],
        ]),
        curve('ridge map', [
          [10, 0.013],
          [25, 0.033],
          [50, 0.052],
          [66, 0.071],
        ]),
      ],
    },
    smallestDetectableGain: { ncm: 0.041, eer: 0.022, tar2: 0.06 },
    ...changes,
  };
}

/** Checked against the schema, so that it cannot be a result that nobody could write. */
export function madeUpEvaluation(changes: Partial<EvaluationResult> = {}): EvaluationResult {
  const corpus = { rejected: { 'no-face': 9, 'bad-alignment': 4 }, poseFrom: 'pose meter' as const };
  const result: EvaluationResult = {
    schemaVersion: 1,
    posecastVersion: '0.1.0',
    command: 'posecast evaluate data/umist --distractors data/orl --fra fr-feature --html report.html',
    finishedAt: '2026-01-02T03:04:05Z',
    seconds: 754,
    corpora: [
      {
        role: 'evaluated',
        path: 'data/umist',
        subjects: 12,
        photographs: 228,
        usable: 215,
        subjectsLeftOut: [],
        ...corpus,
      },
      {
        role: 'distractors',
        path: 'data/orl',
        subjects: 40,
        photographs: 400,
        usable: 399,
        subjectsLeftOut: ['s40'],
        ...corpus,
      },
    ],
    protocol: {
      folds: 4,
      seeds: 3,
      enrol: 3,
      variants: 10,
      probes: { rule: 'most-turned', count: 10 },
      classes: 52,
      evaluatedSubjects: 12,
      probeCount: 120,
      enrolYaw: 9,
      probeYaw: 54,
      targetYaw: [-71, 64],
      detector: 'fr-detect',
      tasks: ['identification', 'verification', 'clustering', 'retrieval', 'retraining'],
      resamples: 2000,
      seed: 0,
      shuffledLabels: false,
      genuinePairs: 120,
      impostorPairs: 6120,
    },
    leakage: {
      status: 'clean',
      models: [
        { model: 'fr-feature', trainingSubjects: 90, checkedBy: ['name', 'photograph', 'look-alike crop'] },
      ],
      findings: [],
    },
    recognizers: [madeUpRecognizer()],
    examples: [],
    warnings: [],
    ...changes,
  };
  return parseEvaluation(JSON.parse(JSON.stringify(result)), 'made-up');
}

export const LEAKED: EvaluationResult['leakage'] = {
  status: 'leaked',
  models: [{ model: 'fr-feature', trainingSubjects: 90, checkedBy: ['name', 'photograph'] }],
  findings: [
    { model: 'fr-feature', corpus: 'evaluated', subjectId: 's03', foundBy: ['photograph'] },
    { model: 'fr-feature', corpus: 'evaluated', subjectId: 's07', foundBy: ['name', 'photograph'] },
  ],
};

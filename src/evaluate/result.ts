/**
 * The result of `posecast evaluate`: everything that the report shows and that `evaluation.json` holds. Shares are
 * 0–1, angles degrees, times seconds unless a name says otherwise. Unknown keys are refused.
 */
import { z } from 'zod';
import { describeIssues } from '../shared/config.ts';
import { IntegrityError } from '../shared/errors.ts';
import { METRIC_NAMES, type MetricName, TASKS } from './metrics.ts';

const taskSchema = z.enum(TASKS);

/** A number with its 95 % bootstrap interval over persons. */
export const intervalSchema = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof intervalSchema>;

/** `difference`: the row minus the row `none`, paired by person; absent in the row `none` itself, and in bins of few people. */
const measuredSchema = intervalSchema.extend({ difference: intervalSchema.optional() });
export type Measured = z.infer<typeof measuredSchema>;

/** What a method costs; null where it has no such number (a rival without parameters). */
const costSchema = z.strictObject({
  parameters: z.number().min(0).nullable(),
  /** Of one variant; of one face for a recogniser. */
  multiplyAdds: z.number().min(0).nullable(),
  /** Measured here on one thread; faces per second for a recogniser. */
  perSecond: z.number().min(0).nullable(),
  /** Size of weights in bytes. */
  weightBytes: z.number().min(0).nullable(),
});
export type Cost = z.infer<typeof costSchema>;

export const ROW_KINDS = ['none', 'rival', 'generator', 'ablation', 'control', 'oracle'] as const;
export type RowKind = (typeof ROW_KINDS)[number];

const rowSchema = z.strictObject({
  /** Unique within a recogniser, such as `ridge-synthetic`. */
  id: z.string().min(1),
  label: z.string().min(1),
  /**
   * none: the enrolment photographs alone. rival: a simple method. generator: a FRA model. ablation: a FRA model with
   * a part taken away. control: wrong on purpose (test people in its training), to show what that mistake looks like.
   * oracle: the person's own real turned photographs, which nobody has.
   */
  kind: z.enum(ROW_KINDS),
  /** What the method learned from, for a person: "real pairs of the training folds", "synthetic pairs, 90 people". */
  trainedOn: z.string(),
  /** For an ablation: the id of the generator's row. */
  of: z.string().optional(),
  metrics: z.partialRecord(z.enum(METRIC_NAMES as [MetricName, ...MetricName[]]), measuredSchema),
  /** NCM accuracy by |yaw| of the probe; bins without probes are left out, and those of few people have no difference. */
  byYaw: z.array(
    z.strictObject({
      from: z.number(),
      to: z.number(),
      probes: z.int().min(0),
      subjects: z.int().min(0),
      ncm: measuredSchema,
    }),
  ),
  /** (this row − none) / (oracle at the probes' angles − none) of NCM; null when the oracle is no better than none. */
  oracleGapClosed: intervalSchema.nullable(),
  cost: costSchema.nullable(),
  note: z.string().optional(),
});
export type EvaluationRow = z.infer<typeof rowSchema>;

/** One line of a plot. */
const curveSchema = z.strictObject({
  rowId: z.string().min(1),
  label: z.string().min(1),
  points: z.array(z.strictObject({ x: z.number(), ncm: intervalSchema })),
});
export type Curve = z.infer<typeof curveSchema>;

const verdictSchema = z.strictObject({
  /** Row of the judged generator; null when no FRA model was given: then the best rival is described. */
  rowId: z.string().nullable(),
  /** yes / no: the paired interval of NCM against `none` lies above / below 0. */
  helps: z.enum(['yes', 'no', 'unclear']),
  /** Of the simple latent rivals (no rendering, control or oracle) the best by NCM. */
  bestRivalId: z.string().nullable(),
  /** The generator minus the best rival, NCM, paired by person. */
  againstBestRival: intervalSchema.nullable(),
  /**
   * yes / no: the interval of true postures against shuffled ones lies above 0 / below 0, or within one point of it;
   * unclear: it crosses 0 and is wider. null without a FRA model.
   */
  postureUsed: z.enum(['yes', 'no', 'unclear']).nullable(),
  /** True postures minus shuffled ones, NCM. */
  againstShuffled: intervalSchema.nullable(),
  /** |yaw| bins whose interval lies above, below, across 0. */
  helpsAt: z.array(z.string()),
  hurtsAt: z.array(z.string()),
  unclearAt: z.array(z.string()),
  /** Two or three sentences for a person: does it help, by how much, where, where not. */
  text: z.string().min(1),
});
export type Verdict = z.infer<typeof verdictSchema>;

const recognizerResultSchema = z.strictObject({
  name: z.string().min(1),
  embedDim: z.int().min(1),
  cost: costSchema,
  /** The other networks of the chain, and the encoder of each FRA model. */
  parts: z.array(z.strictObject({ name: z.string().min(1), cost: costSchema })).optional(),
  /** One for each FRA model; a single one without models. */
  verdicts: z.array(verdictSchema).min(1),
  rows: z.array(rowSchema).min(1),
  curves: z.strictObject({
    /** x: variants a class. */
    variants: z.array(curveSchema),
    /** x: people whose pairs the method learned from. */
    trainingPeople: z.array(curveSchema),
  }),
  /** 2.8 standard errors of a paired difference: the smallest true gain that 80 % of such evaluations would find. */
  smallestDetectableGain: z.partialRecord(z.enum(METRIC_NAMES as [MetricName, ...MetricName[]]), z.number()),
});
export type RecognizerResult = z.infer<typeof recognizerResultSchema>;

const corpusSchema = z.strictObject({
  role: z.enum(['evaluated', 'distractors']),
  path: z.string().min(1),
  subjects: z.int().min(0),
  photographs: z.int().min(0),
  /** Photographs whose face was embedded. */
  usable: z.int().min(0),
  /** Rejection code → photographs. */
  rejected: z.record(z.string(), z.int().min(1)),
  /** People left out because too few photographs were usable. */
  subjectsLeftOut: z.array(z.string()),
  poseFrom: z.enum(['pose meter', 'file names']),
});
export type CorpusCounts = z.infer<typeof corpusSchema>;

export const LEAK_KINDS = ['name', 'photograph', 'look-alike crop'] as const;

const leakageSchema = z.strictObject({
  /**
   * clean: the cards' records were compared and share nobody with the evaluation. leaked: they do, and
   * --allow-leakage went on all the same: every number is optimistic. not-checked: no model was given.
   */
  status: z.enum(['clean', 'leaked', 'not-checked']),
  models: z.array(
    z.strictObject({
      model: z.string().min(1),
      trainingSubjects: z.int().min(0),
      /** Which records the card has; an older card lacks the last two. */
      checkedBy: z.array(z.enum(LEAK_KINDS)),
    }),
  ),
  findings: z.array(
    z.strictObject({
      model: z.string().min(1),
      corpus: z.enum(['evaluated', 'distractors']),
      subjectId: z.string().min(1),
      foundBy: z.array(z.enum(LEAK_KINDS)).min(1),
    }),
  ),
});
export type Leakage = z.infer<typeof leakageSchema>;

const protocolSchema = z.strictObject({
  folds: z.int().min(1),
  seeds: z.int().min(1),
  enrol: z.int().min(1),
  variants: z.int().min(0),
  /** The most turned `count` photographs of each person, or all beyond `minYaw` degrees. */
  probes: z.discriminatedUnion('rule', [
    z.strictObject({ rule: z.literal('most-turned'), count: z.int().min(1) }),
    z.strictObject({ rule: z.literal('min-yaw'), degrees: z.number() }),
  ]),
  /** All classes: evaluated people and distractors. */
  classes: z.int().min(2),
  evaluatedSubjects: z.int().min(2),
  probeCount: z.int().min(1),
  /** Median |yaw| of enrolment photographs and probes. */
  enrolYaw: z.number(),
  probeYaw: z.number(),
  /** Yaw of the variants' targets, least and greatest. */
  targetYaw: z.tuple([z.number(), z.number()]),
  detector: z.string().min(1),
  tasks: z.array(taskSchema).min(1),
  resamples: z.int().min(1),
  seed: z.int().min(0),
  /** Labels were shuffled on purpose: nothing may help. */
  shuffledLabels: z.boolean(),
  /** Genuine and impostor pairs of one seed's verification. */
  genuinePairs: z.int().min(0),
  impostorPairs: z.int().min(0),
});
export type Protocol = z.infer<typeof protocolSchema>;

/** A photograph that the table is made of; `jpeg` is base64 without a prefix. */
const exampleSchema = z.strictObject({
  /** Such as "right with variants, wrong without". */
  group: z.string().min(1),
  subjectId: z.string().min(1),
  caption: z.string(),
  pictures: z
    .array(
      z.strictObject({
        role: z.enum(['enrolment', 'probe', 'mistaken for']),
        yaw: z.number(),
        jpeg: z.base64(),
      }),
    )
    .min(1),
});
export type Example = z.infer<typeof exampleSchema>;

const evaluationSchema = z.strictObject({
  schemaVersion: z.literal(1),
  posecastVersion: z.string(),
  /** As typed. */
  command: z.string(),
  /** ISO 8601. */
  finishedAt: z.string(),
  seconds: z.number().min(0),
  corpora: z.array(corpusSchema).min(1),
  protocol: protocolSchema,
  leakage: leakageSchema,
  recognizers: z.array(recognizerResultSchema).min(1),
  examples: z.array(exampleSchema),
  /** What a reader must know before believing the numbers: few people, shuffled labels, leakage. */
  warnings: z.array(z.string()),
});
export type EvaluationResult = z.infer<typeof evaluationSchema>;

/**
 * Parses evaluation.json, for programs that go on with it: posecast only writes it, and its tests read it back by this.
 *
 * @param path for the message.
 * @throws IntegrityError naming every problem.
 */
export function parseEvaluation(content: unknown, path: string): EvaluationResult {
  const parsed = evaluationSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-evaluation', `evaluation is not valid: ${describeIssues(parsed.error)}`, {
    file: path,
  });
}

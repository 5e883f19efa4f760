/** card.json of a FRA model: what the model is, where it comes from, how good it is. Unknown keys are refused. */
import { z } from 'zod';
import { describeIssues } from '../shared/config.ts';
import { IntegrityError } from '../shared/errors.ts';
import { POSE_BINS } from '../shared/poseBins.ts';
import { sha256Hex, sha256Schema } from '../shared/sha256.ts';
import { generatorConfigSchema } from './generators/generatorConfig.ts';
import { COMBINER_TERMS } from './lossTerms.ts';
import { POSTURE_FORMS } from './postureForm.ts';

const fileSchema = z.strictObject({ sha256: sha256Schema, bytes: z.int().min(1) });

const retrievalSchema = z.strictObject({
  queries: z.int().min(0),
  /** People whose variants are searched, at all postures in use. */
  gallery: z.int().min(0),
  /** Share of queries nearer to their own variant at their pose than to anybody else's; 95 % interval over persons. */
  rank1: z.number(),
  rank1Interval: z.strictObject({ low: z.number(), high: z.number() }),
  /** Cross-entropy of the right person; the number that chose the weights. */
  loss: z.number(),
});
export type RetrievalMetrics = z.infer<typeof retrievalSchema>;

/** Shares are 0–1, similarities cosines, everything on validation people unless it says otherwise. */
const fraMetricsSchema = z.strictObject({
  reconstruction: z.strictObject({
    /** Landmark images of validation people, real and rendered. */
    images: z.int().min(0),
    mse: z.number(),
    iou: z.number(),
    /** Pearson correlation of the yaw read from the redrawn picture with the yaw of the original; pitch likewise. */
    yawCorrelation: z.number(),
    pitchCorrelation: z.number(),
    /** Mean difference of the two in degrees. */
    yawErrorDegrees: z.number(),
  }),
  combiner: z.strictObject({
    variants: z.int().min(0),
    validationSubjects: z.int().min(0),
    /** Variants whose nearest centroid of real embeddings, among all people, is their own person's. */
    rank1: z.number(),
    /** The same among validation people only. */
    rank1Validation: z.number(),
    /** Mean cosine of a variant, and of its unchanged source embedding, to the real embedding at the target pose. */
    similarityToTarget: z.number(),
    sourceSimilarityToTarget: z.number(),
    /** The same of the simplest rival: the source plus the mean change of training people at that grid pose. */
    meanOffsetSimilarityToTarget: z.number(),
    /** Mean cosine of a variant to its source: 1 means that nothing was changed. */
    similarityToSource: z.number(),
    /** Mean cosine of a variant with a foreign posture code of the batch to the target: lower, if posture is used. */
    shuffledPostureSimilarityToTarget: z.number(),
    /** Whether faces of validation people find their own person's variant at their pose among everybody's. */
    retrieval: retrievalSchema,
    /** The same with the posture of another pose, and with one and the same mean posture. */
    shuffledPosture: retrievalSchema,
    removedPosture: retrievalSchema,
    /** Mean cosine to the centroid of the own person, of variants and of real embeddings. */
    similarityToCentroid: z.number(),
    realSimilarityToCentroid: z.number(),
    /** Share of variants at or above minSimilarity. */
    keptShare: z.number(),
    /** Length of the combiner's answers; 1 when it normalises. */
    meanNorm: z.number(),
    normSpread: z.number(),
    /** Distance of the mean vectors of generated and real embeddings, and ratio of their total variances. */
    meanShift: z.number(),
    varianceRatio: z.number(),
  }),
});
export type FraMetrics = z.infer<typeof fraMetricsSchema>;

/** Version 1 knew one combiner only and no digests of photographs. */
export const FRA_CARD_VERSION = 2;

export const fraNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens');

const fraCardSchema = z.strictObject({
  cardVersion: z.literal(FRA_CARD_VERSION),
  name: fraNameSchema,
  summary: z.string().min(1),
  recognizer: z.strictObject({
    /** Registry name. */
    name: z.string().min(1),
    /**
     * Digest of the weights as published, which the embeddings came from, and the pre-processing where the built-in
     * registry does not say it; see docs/decisions/fra-identity.md.
     */
    sha256: z
      .string()
      .regex(
        /^[0-9a-f]{64}( preprocess .+)?$/,
        'expected 64 hex digits, and the pre-processing of an own recogniser',
      ),
    /** D. */
    embedDim: z.int().min(1),
  }),
  architecture: z.strictObject({
    autoencoder: z.strictObject({ channels: z.array(z.int().min(1)).length(6) }),
    /** What the generator is told about a posture: what the posture bank's codes are. */
    posture: z.enum(POSTURE_FORMS),
    combiner: generatorConfigSchema,
    cost: z.strictObject({
      parameters: z.int().min(0),
      /** Of one variant; `cached`: when what depends on the identity or the posture alone is kept. */
      multiplyAdds: z.int().min(0),
      cachedMultiplyAdds: z.int().min(0).nullable(),
    }),
  }),
  training: z.strictObject({
    data: z.string().min(1),
    licence: z.string().min(1),
    credit: z.string(),
    subjects: z.int().min(0),
    validationSubjects: z.int().min(0),
    photographs: z.int().min(0),
    renders: z.int().min(0),
    /**
     * sha256 of each person's name in the corpus, training and validation people, and of those whom reused parts learnt
     * from: who must not be a test person.
     */
    subjectDigests: z.array(sha256Schema),
    /** Those of them who validated. */
    validationDigests: z.array(sha256Schema),
    /**
     * Of every photograph, likewise, in the form of src/shared/photographDigest.ts: sha256 of its bytes, and hash of
     * its crop.
     */
    photographDigests: z.array(sha256Schema),
    cropHashes: z.array(sha256Schema),
    seed: z.int().min(0),
    /** The exact command line. */
    command: z.string().min(1),
    /** Library and processor that trained. */
    backend: z.string().min(1),
    autoencoderSteps: z.int().min(0),
    /** Null, as the loss, of a generator that was solved or mixed; older cards say 0, and a loss that nothing used. */
    combinerSteps: z.int().min(0).nullable(),
    loss: z.string().min(1).nullable(),
    /** Loss terms that were left out on purpose. */
    without: z.array(z.enum(COMBINER_TERMS)),
    /** --train-people: fewer than there were; null: all. */
    peopleLimit: z.int().min(1).nullable(),
    /** sha256 of encoder.onnx of the model that the autoencoder was taken from; null: trained for this model. */
    autoencoderFrom: sha256Schema.nullable(),
    /** What a fit chose on validation people, and from what. */
    choices: z.array(z.string()),
    /** Wall time in minutes, collecting and every resumed part included. */
    minutes: z.number().min(0),
  }),
  metrics: fraMetricsSchema,
  /** Variants below this cosine to their person's centroid are rejected unless a run says otherwise. */
  minSimilarity: z.number().min(-1).max(1),
  /** What the model does not do. */
  limits: z.array(z.string().min(1)),
  bank: z.strictObject({
    postures: z.int().min(1),
    /** Pose bins (of POSE_BINS) that hold at least one posture. */
    bins: z.int().min(1).max(POSE_BINS),
  }),
  files: z.strictObject({
    'encoder.onnx': fileSchema,
    'decoder.onnx': fileSchema,
    'combiner.onnx': fileSchema,
    'posture-bank.arrow': fileSchema,
  }),
});
export type FraCard = z.infer<typeof fraCardSchema>;
export type FraFileName = keyof FraCard['files'];

/** Parses card.json; IntegrityError naming every problem. `path` is for the message. */
export function parseFraCard(content: unknown, path: string): FraCard {
  const version = z.looseObject({ cardVersion: z.unknown() }).safeParse(content).data?.cardVersion;
  if (version !== FRA_CARD_VERSION) {
    throw new IntegrityError(
      'old-fra-card',
      `FRA model card has another version: expected ${FRA_CARD_VERSION}; train the model again with this posecast`,
      { file: path, found: String(version) },
    );
  }
  const parsed = fraCardSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-fra-card', `FRA model card is not valid: ${describeIssues(parsed.error)}`, {
    file: path,
  });
}

/**
 * Identity of a model: one sha256 over the digests of its files, hex. Two models with the same one generate the same.
 */
export function fraDigest({ files }: FraCard): string {
  const digests = Object.entries(files).map(([name, { sha256 }]) => `${name} ${sha256}\n`);
  return sha256Hex(digests.sort().join(''));
}

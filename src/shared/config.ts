/**
 * What a run is asked to do. `parseRunConfig` is the only place where defaults live; after it nothing is
 * optional. Everything here is part of the run's identity: a resume with another value is refused. How a worker
 * computes (device, threads, batch) is not, and lives in `ComputeOptions`.
 */
import { z } from 'zod';
import { tableColumnsSchema } from './corpus/tableColumns.ts';
import { ConfigError } from './errors.ts';
import { labelColumnsSchema } from './labels/labelColumns.ts';

export const CORPUS_FORMATS = [
  'folder',
  'csv',
  'webdataset',
  'recordio',
  'parquet',
  'arrow',
  'kdef',
] as const;
export const POSE_POLICIES = ['coverage', 'uniform', 'random'] as const;
export const TABLE_FORMATS = ['parquet', 'arrow'] as const;
export const EMBEDDING_TYPES = ['float32', 'float16'] as const;

/** Of the registry: what is taken where no other is asked for. */
export const DEFAULT_DETECTOR = 'fr-detect';
export const DEFAULT_RECOGNIZER = 'fr-feature';

/** Generated embeddings per subject. */
export const MOST_VARIANTS = 10_000;
export const MOST_SHARD_FACES = 100_000;

const runFields = z.strictObject({
  /** Absolute folder or file, or s3://bucket/key. */
  corpus: z.string().min(1),
  corpusFormat: z.enum(CORPUS_FORMATS),
  /** The folder, or s3://bucket/prefix, that paths of the listing are relative to; for a folder corpus, the corpus. */
  imageRoot: z.string().min(1),
  /** Links in the corpus may lead out of it. False: such photographs are rejected. */
  followLinks: z.boolean().default(false),
  /** Which part of an archive's sample names the person; null: what its first samples suggest. */
  subjectFrom: z.string().min(1).nullable().default(null),
  /** Damaged archives give what lies before the damage. False: they are refused. */
  readBrokenArchives: z.boolean().default(false),
  /** Which columns of a table say what; null: one of the usual names. */
  tableColumns: tableColumnsSchema.default(tableColumnsSchema.parse({})),
  /** What the corpus says about its photographs and the output tables carry: their columns, in order. */
  labelColumns: labelColumnsSchema.default([]),
  /** True: images are already aligned 112×112 crops; nothing is detected again. */
  aligned: z.boolean().default(false),
  /** Registry name of the detector. */
  detector: z.string().default(DEFAULT_DETECTOR),
  /** Registry name of the recogniser. */
  recognizer: z.string().default(DEFAULT_RECOGNIZER),
  /** FRA model: the name of a shipped one (models/fra/<name>) or a folder. */
  fra: z.string().default('fr-feature'),
  /** Generated embeddings per subject. 0: real embeddings only. */
  variants: z.int().min(0).max(MOST_VARIANTS).default(10),
  /** How target postures are chosen. */
  policy: z.enum(POSE_POLICIES).default('coverage'),
  /** Variants below this cosine similarity to the subject's centroid are rejected; null: the model card's value. */
  minSimilarity: z.number().min(-1).max(1).nullable().default(null),
  seed: z.int().min(0).default(0),
  /** A shard closes at this many faces… */
  shardFaces: z.int().min(1).max(MOST_SHARD_FACES).default(512),
  /** …or at this many bytes of images, as far as the corpus says sizes, whichever comes first. */
  shardBytes: z
    .int()
    .min(1)
    .default(256 * 2 ** 20),
  format: z.enum(TABLE_FORMATS).default('parquet'),
  embeddingType: z.enum(EMBEDDING_TYPES).default('float32'),
  /** Optional columns. */
  withLandmarks: z.boolean().default(false),
  withPostureCode: z.boolean().default(false),
  /** True: poses are not measured; their columns are null. */
  withoutPose: z.boolean().default(false),
});

export const runConfigSchema = runFields.refine(
  ({ withoutPose, variants }) => !withoutPose || variants === 0,
  {
    path: ['withoutPose'],
    message: 'variants are chosen by the poses of the photographs: --without-pose needs --variants 0',
  },
);

export type RunConfig = z.infer<typeof runConfigSchema>;
export type RunConfigInput = z.input<typeof runConfigSchema>;

/** Parses a run configuration; every problem is named in one ConfigError. */
export function parseRunConfig(input: unknown): RunConfig {
  const parsed = runConfigSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new ConfigError('bad-config', `run configuration is not valid: ${describeIssues(parsed.error)}`);
}

/**
 * The issues of a zod error on one line: `shardFaces: expected number, received string; …`; of a key of a record what
 * the schema of the keys says. `nameOf`: what a field is called where the value comes from.
 */
export function describeIssues(
  error: z.ZodError,
  nameOf: (path: readonly PropertyKey[]) => string = (path) => path.join('.'),
): string {
  return error.issues
    .map((issue) => {
      const { path } = issue;
      const messages = (issue.code === 'invalid_key' ? issue.issues : [issue]).map(({ message }) => message);
      return `${path.length > 0 ? `${nameOf(path)}: ` : ''}${messages.join(', ')}`;
    })
    .join('; ');
}

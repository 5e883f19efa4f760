/** run.json: what was asked. A resume with anything else is refused. */
import { z } from 'zod';
import { runConfigSchema } from '../config.ts';
import { ConfigError, IntegrityError } from '../errors.ts';
import { sha256Schema } from '../sha256.ts';
import { MAX_SHARDS, runIdSchema } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { storeKeySchema } from '../store/storeKey.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import { RUN_KEY } from './runKeys.ts';

export const modelRefSchema = z.strictObject({ name: z.string().min(1), digest: z.string().min(1) });

const runFields = z.strictObject({
  schemaVersion: z.literal(1),
  runId: runIdSchema,
  /** ISO 8601. */
  createdAt: z.iso.datetime(),
  posecastVersion: z.string().min(1),
  config: runConfigSchema,
  /** The corpus as listed; `sha256` is a digest of the listing's rows. */
  corpus: z.strictObject({
    faces: z.int().min(1),
    subjects: z.int().min(1),
    bytes: z.int().min(0),
    sha256: sha256Schema,
  }),
  listing: z.array(
    z.strictObject({
      key: storeKeySchema,
      rows: z.int().min(1),
      bytes: z.int().min(1),
      sha256: sha256Schema,
    }),
  ),
  shards: z.int().min(1).max(MAX_SHARDS),
  /** Digest of each model the run uses, by registry name. */
  models: z.record(z.string(), z.string()),
  recognizer: modelRefSchema,
  /** Values of an embedding, D. */
  embeddingDim: z.int().min(1).max(65_536),
  /** The FRA model; null when neither variants nor posture codes are made. */
  fra: modelRefSchema.nullable(),
  /**
   * Cosine to the person's centroid that a variant must reach: as asked for, or else the FRA model's. Absent when no
   * variants are made, and in runs of before.
   */
  minSimilarity: z.number().min(-1).max(1).optional(),
});

export type RunFile = z.infer<typeof runFields>;

/** What a run says of its models. */
export type RunModels = Pick<RunFile, 'models' | 'recognizer' | 'embeddingDim' | 'fra' | 'minSimilarity'>;

export const runFileSchema = runFields.refine(
  ({ corpus, listing, shards }) =>
    corpus.subjects <= corpus.faces &&
    shards <= corpus.subjects &&
    listing.reduce((rows, part) => rows + part.rows, 0) === corpus.faces,
  'faces, people, shards and rows of the listing do not add up',
);

/** The store's run, or undefined when it holds none; ConfigError when its run.json is damaged. */
export async function readRunFile(store: ObjectStore): Promise<RunFile | undefined> {
  const bytes = await store.get(RUN_KEY);
  if (bytes === undefined) return undefined;
  try {
    return parseJsonFile(runFileSchema, bytes, RUN_KEY);
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    const facts = { store: store.uri };
    throw new ConfigError('damaged-run', 'expected a posecast run, found a damaged run.json', facts, error);
  }
}

/** The store's run; ConfigError when it holds none, or a damaged one. */
export async function requireRunFile(store: ObjectStore): Promise<RunFile> {
  const run = await readRunFile(store);
  if (run !== undefined) return run;
  throw new ConfigError('no-run', 'expected a posecast run, found no run.json', { store: store.uri });
}

/** Writes run.json unless there is one; false: another process wrote it first, read that. */
export async function createRunFile(store: ObjectStore, run: RunFile): Promise<boolean> {
  return store.putIfAbsent(RUN_KEY, jsonFile(runFileSchema.parse(run)));
}

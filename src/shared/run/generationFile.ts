/** generations/<n>.json: what was added to a run after it was planned. Put if absent, and never changed. */
import { z } from 'zod';
import { MAX_SHARDS, runIdSchema } from '../shard.ts';
import { storeKeySchema } from '../store/storeKey.ts';
import { runFileSchema } from './runFile.ts';
import { fileEntrySchema } from './shardCommit.ts';

const count = z.int().min(0);

const common = z.strictObject({
  schemaVersion: z.literal(1),
  runId: runIdSchema,
  /** The run as planned is generation 0 and has no file. */
  generation: z.int().min(1),
  /** ISO 8601. */
  createdAt: z.iso.datetime(),
  /** Number of its first shard. */
  firstShard: z.int().min(1).max(MAX_SHARDS),
});

/** Shards that are done again. */
export const retryGenerationSchema = common.extend({
  kind: z.literal('retry'),
  /** The codes it was narrowed to; null: every failed shard. */
  codes: z.array(z.string().min(1)).nullable(),
  /** The k-th shard of the generation takes the place of shard `replaces[k]`. */
  replaces: z.array(z.int().min(0).max(MAX_SHARDS)).min(1),
});

/** Photographs that were added to the corpus. */
export const appendGenerationSchema = common.extend({
  kind: z.literal('append'),
  /** In the keys of its listing, plan and table of subjects. */
  plan: runIdSchema,
  shards: z.int().min(1).max(MAX_SHARDS),
  /** The whole corpus as it was found, the photographs of before included. */
  corpus: runFileSchema.shape.corpus,
  /** What is new: photographs, and people without an earlier photograph. */
  added: z.strictObject({ faces: z.int().min(1), subjects: count, bytes: count }),
  /** Photographs of earlier listings that the corpus no longer had. Their rows stay. */
  gone: count,
  /** Of the new photographs. */
  listing: runFileSchema.shape.listing,
  /** Who the people of the listing are to the run (`appendedSubjects.ts`). */
  subjects: fileEntrySchema.extend({ key: storeKeySchema }),
});

export type RetryGeneration = z.infer<typeof retryGenerationSchema>;
export type AppendGeneration = z.infer<typeof appendGenerationSchema>;

export const generationSchema = z
  .discriminatedUnion('kind', [retryGenerationSchema, appendGenerationSchema])
  .refine(
    (generation) => generation.kind !== 'append' || addsUp(generation),
    'faces, people, shards and rows of the listing do not add up',
  );

export type Generation = RetryGeneration | AppendGeneration;

function addsUp({ added, subjects, shards, listing }: AppendGeneration): boolean {
  return (
    added.subjects <= subjects.rows &&
    shards <= subjects.rows &&
    subjects.rows <= added.faces &&
    listing.reduce((rows, part) => rows + part.rows, 0) === added.faces
  );
}

/** manifest.json: the finished run for its readers: what it is, its numbers, and every table with its checksum. */
import { z } from 'zod';
import { EMBEDDING_TYPES, TABLE_FORMATS } from '../config.ts';
import { IntegrityError } from '../errors.ts';
import { MAX_SHARDS, runIdSchema } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { TABLE_SCHEMA_VERSION } from '../table/tables.ts';
import { appendGenerationSchema, retryGenerationSchema } from './generationFile.ts';
import { parseJsonFile } from './parseFile.ts';
import { modelRefSchema, runFileSchema } from './runFile.ts';
import { MANIFEST_KEY, parseAttemptKey, SUBJECTS_KEY } from './runKeys.ts';
import type { RunShards } from './runShards.ts';
import {
  type Counters,
  countersSchema,
  fileEntrySchema,
  noCounters,
  type ShardCommit,
} from './shardCommit.ts';

/** Different reject codes shown before the rest is summed up as `other`. */
export const MAX_REJECT_CODES = 100;

const manifestFileSchema = fileEntrySchema
  .extend({
    kind: z.enum(['data', 'rejects']),
    /** Index of the shard the file comes from. */
    shard: z.int().min(0),
  })
  .refine(({ key, kind, shard }) => {
    const owner = parseAttemptKey(key);
    return owner?.folder === kind && owner.shardIndex === shard;
  }, 'key is not that of a file of this kind and shard');

export type ManifestFile = z.infer<typeof manifestFileSchema>;

const listed = { generation: true, kind: true, createdAt: true, firstShard: true } as const;

const manifestGenerationSchema = z.discriminatedUnion('kind', [
  retryGenerationSchema.pick({ ...listed, codes: true }).extend({ shards: z.int().min(1) }),
  appendGenerationSchema
    .pick({ ...listed, shards: true, corpus: true, added: true, gone: true })
    /** Of the new photographs. */
    .extend({ counters: countersSchema }),
]);

export type ManifestGeneration = z.infer<typeof manifestGenerationSchema>;

/** @param counters of the listings, by generation. */
export function describeGenerations(
  { generations }: RunShards,
  counters: ReadonlyMap<number, Counters>,
): ManifestGeneration[] {
  return generations.map((entry) => {
    const { generation, createdAt, firstShard } = entry;
    if (entry.kind === 'retry') {
      const { kind, codes, replaces } = entry;
      return { generation, kind, createdAt, codes, firstShard, shards: replaces.length };
    }
    const { kind, shards, corpus, added, gone } = entry;
    const results = counters.get(generation) ?? noCounters();
    return { generation, kind, createdAt, firstShard, shards, corpus, added, gone, counters: results };
  });
}

export const runManifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: runIdSchema,
  posecastVersion: z.string().min(1),
  /** When the last shard was committed, ISO 8601. */
  finishedAt: z.iso.datetime(),
  /** As it was found last; `totals` also count what it lost since. */
  corpus: runFileSchema.shape.corpus,
  recognizer: modelRefSchema,
  fra: modelRefSchema.nullable(),
  table: z.strictObject({
    schemaVersion: z.literal(TABLE_SCHEMA_VERSION),
    format: z.enum(TABLE_FORMATS),
    columns: z.array(z.string().min(1)),
    embeddingDim: z.int().min(1),
    embeddingType: z.enum(EMBEDDING_TYPES),
  }),
  shards: z.int().min(1).max(MAX_SHARDS),
  /** What came after the first plan, in order; empty for most runs. */
  generations: z.array(manifestGenerationSchema),
  totals: countersSchema.extend({
    subjects: z.int().min(0),
    /** Rows of the data files: ok + variants. */
    rows: z.int().min(0),
    /** Bytes of the data files. */
    bytes: z.int().min(0),
  }),
  rejectsByCode: z.record(z.string(), z.int().min(0)),
  subjects: fileEntrySchema.extend({ key: z.literal(SUBJECTS_KEY) }),
  /** In the order of the listing, which is shard order as long as no shard was replaced. */
  files: z.array(manifestFileSchema),
});

export type RunManifest = z.infer<typeof runManifestSchema>;

/** The finished run, or undefined when the run is not finished. Throws IntegrityError. */
export async function readManifest(store: ObjectStore): Promise<RunManifest | undefined> {
  const bytes = await store.get(MANIFEST_KEY);
  return bytes === undefined ? undefined : parseJsonFile(runManifestSchema, bytes, MANIFEST_KEY);
}

/** The manifest of a run that has ended. Throws IntegrityError, also when there is none, or it is another run's. */
export async function requireManifest(store: ObjectStore, runId: string): Promise<RunManifest> {
  const manifest = await readManifest(store);
  if (manifest === undefined) {
    throw new IntegrityError('no-manifest', 'expected the manifest of a run that has ended, found none', {
      key: MANIFEST_KEY,
      store: store.uri,
      expected: runId,
    });
  }
  if (manifest.runId === runId) return manifest;
  throw new IntegrityError('other-run', 'OUT holds the manifest of another run', {
    key: MANIFEST_KEY,
    expected: runId,
    found: manifest.runId,
  });
}

/**
 * The files of a manifest as text, added one commit at a time: a run of 100,000 shards must not fill memory with
 * objects.
 */
export class ManifestFileList {
  private readonly chunks: Buffer[] = [];
  private pending: string[] = [];

  /** The files that readers of the run read; a shard's own table of people is in the merged one. */
  add({ spec, data, rejects }: ShardCommit): void {
    if (data !== null) this.push({ kind: 'data', shard: spec.index, ...data });
    if (rejects !== null) this.push({ kind: 'rejects', shard: spec.index, ...rejects });
  }

  /** manifest.json with these files. The same run gives the same bytes. */
  toManifest(manifest: Omit<RunManifest, 'files'>): Uint8Array {
    this.flush();
    const head = JSON.stringify(manifest, null, 2).slice(0, -2);
    const lines = this.chunks.flatMap((chunk, i) => (i === 0 ? [chunk] : [Buffer.from(',\n'), chunk]));
    return Buffer.concat([Buffer.from(`${head},\n  "files": [\n`), ...lines, Buffer.from('\n  ]\n}\n')]);
  }

  private push(file: ManifestFile): void {
    this.pending.push(`    ${JSON.stringify(file)}`);
    if (this.pending.length >= 1000) this.flush();
  }

  private flush(): void {
    if (this.pending.length > 0) this.chunks.push(Buffer.from(this.pending.join(',\n')));
    this.pending = [];
  }
}

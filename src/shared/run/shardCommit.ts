/** commits/<shard>.json: the record that makes one attempt of a shard the shard's result. */
import { z } from 'zod';
import type { STAGES } from '../face.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { parseJsonFile } from './parseFile.ts';
import { commitKey } from './runKeys.ts';

const count = z.int().min(0);

export const fileEntrySchema = z.strictObject({
  key: z.string().min(1),
  rows: z.int().min(1),
  bytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex'),
});

export type FileEntry = z.infer<typeof fileEntrySchema>;

/** Numbers of a shard or a run. faces = ok + rejected. */
export const countersSchema = z.strictObject({
  subjects: count,
  /** Rows of the listing. */
  faces: count,
  ok: count,
  rejected: count,
  variants: count,
  variantsRejected: count,
});

export type Counters = z.infer<typeof countersSchema>;

export const shardCommitSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: z.string().min(1),
  shardIndex: count,
  attemptId: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected letters, digits and hyphens'),
  /** null: no such rows. */
  data: fileEntrySchema.nullable(),
  rejects: fileEntrySchema.nullable(),
  subjects: fileEntrySchema,
  counters: countersSchema,
  /** Rejected faces by `stage/code`. */
  rejectsByCode: z.record(z.string(), count),
  /** Milliseconds by stage, summed over threads; names are the worker's own. */
  timingsMs: z.record(z.string(), z.number().min(0)),
  worker: z.strictObject({ host: z.string(), pid: count, device: z.string() }),
  /** ISO 8601. */
  finishedAt: z.iso.datetime(),
});

export type ShardCommit = z.infer<typeof shardCommitSchema>;

/** The key under which a rejection is counted. */
export function rejectCode(stage: (typeof STAGES)[number], code: string): string {
  return `${stage}/${code}`;
}

export function parseShardCommit(bytes: Uint8Array, key: string): ShardCommit {
  return parseJsonFile(shardCommitSchema, bytes, key);
}

/** The shard's commit, or undefined when it has none. */
export async function readShardCommit(
  store: ObjectStore,
  shardIndex: number,
): Promise<ShardCommit | undefined> {
  const key = commitKey(shardIndex);
  const bytes = await store.get(key);
  return bytes === undefined ? undefined : parseShardCommit(bytes, key);
}

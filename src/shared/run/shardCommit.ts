/** commits/<shard>.json: the record that makes one attempt of a shard the shard's result. */
import { z } from 'zod';
import { describeIssues } from '../config.ts';
import { IntegrityError, PermanentShardError } from '../errors.ts';
import type { Stage } from '../face.ts';
import { sha256Schema } from '../sha256.ts';
import { shardSpecSchema } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { parseJsonFile } from './parseFile.ts';
import { ATTEMPT_FOLDERS, commitKey, parseAttemptKey } from './runKeys.ts';

const count = z.int().min(0);

export const fileEntrySchema = z.strictObject({
  key: z.string().min(1),
  rows: z.int().min(1),
  bytes: z.int().min(1),
  sha256: sha256Schema,
});

export type FileEntry = z.infer<typeof fileEntrySchema>;

/** Numbers of a shard or a run. faces = ok + rejected. */
export const countersSchema = z.strictObject({
  /** Rows of the listing. */
  faces: count,
  ok: count,
  rejected: count,
  variants: count,
  variantsRejected: count,
});

export type Counters = z.infer<typeof countersSchema>;

export function noCounters(): Counters {
  return { faces: 0, ok: 0, rejected: 0, variants: 0, variantsRejected: 0 };
}

export function addCounters(to: Counters, more: Counters): void {
  for (const name of Object.keys(noCounters()) as (keyof Counters)[]) to[name] += more[name];
}

/** Adds numbers by code: of rejected faces, or of shards that failed. */
export function addByCode(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [code, count] of Object.entries(more)) {
    // Own ones only: a code of a damaged file may be called `constructor`.
    to[code] = (Object.hasOwn(to, code) ? to[code]! : 0) + count;
  }
}

const commitFields = z.strictObject({
  schemaVersion: z.literal(1),
  /** The shard as planned: which rows of the listing this accounts for. */
  spec: shardSpecSchema,
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

const shardCommitSchema = commitFields
  .refine(addsUp, 'counters, files and listing rows do not add up')
  .refine(ownFiles, "files are not of this shard's attempt");

export type ShardCommit = z.infer<typeof commitFields>;

/** Every row of the listing is a real embedding or a reject, and every counted row is in a file. */
function addsUp({ spec, counters, data, rejects, subjects, rejectsByCode }: ShardCommit): boolean {
  const byCode = Object.values(rejectsByCode).reduce((sum, faces) => sum + faces, 0);
  return (
    counters.faces === spec.rowEnd - spec.rowStart &&
    counters.faces === counters.ok + counters.rejected &&
    counters.rejected === byCode &&
    counters.rejected === (rejects?.rows ?? 0) &&
    counters.ok + counters.variants === (data?.rows ?? 0) &&
    spec.subjects === subjects.rows
  );
}

/** A commit that named other files could make anybody's file a part of the run. */
function ownFiles(commit: ShardCommit): boolean {
  return ATTEMPT_FOLDERS.every((folder) => {
    const entry = commit[folder];
    if (entry === null) return true;
    const owner = parseAttemptKey(entry.key);
    return (
      owner?.folder === folder &&
      owner.shardIndex === commit.spec.index &&
      owner.attemptId === commit.attemptId
    );
  });
}

/** The key under which a rejection is counted. */
export function rejectCode(stage: Stage, code: string): string {
  return `${stage}/${code}`;
}

/** Throws PermanentShardError when a commit about to be written contradicts itself: a bug, not bad luck. */
export function checkShardCommit(commit: ShardCommit): ShardCommit {
  const parsed = shardCommitSchema.safeParse(commit);
  if (parsed.success) return parsed.data;
  const facts = { shard: commit.spec.index, counters: JSON.stringify(commit.counters) };
  throw new PermanentShardError('bad-commit', `shard result: ${describeIssues(parsed.error)}`, facts);
}

/** Text of a commit → commit; the key must be the one of the commit's shard. Throws IntegrityError. */
function parseShardCommit(bytes: Uint8Array, key: string): ShardCommit {
  const commit = parseJsonFile(shardCommitSchema, bytes, key);
  if (commitKey(commit.spec.index) === key) return commit;
  throw new IntegrityError('misplaced-commit', 'commit is of another shard', {
    key,
    shard: commit.spec.index,
  });
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

/** The shard's commit, or undefined when it has none. Throws IntegrityError for one of another run, too. */
export async function readCommitOf(
  store: ObjectStore,
  runId: string,
  shardIndex: number,
): Promise<ShardCommit | undefined> {
  const commit = await readShardCommit(store, shardIndex);
  if (commit !== undefined) requireCommitOf(runId, commit);
  return commit;
}

/** Throws IntegrityError for the commit of another run, left in the place of this one's: it is nobody's result here. */
export function requireCommitOf(runId: string, { spec }: ShardCommit): void {
  if (spec.runId === runId) return;
  throw new IntegrityError(
    'other-run',
    'commit is of another run, a worker of which was still there when OUT was used again: remove this commit, or delete ' +
      'OUT once more',
    { key: commitKey(spec.index), expected: runId, found: spec.runId },
  );
}

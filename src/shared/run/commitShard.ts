/**
 * The commit protocol. Any number of attempts of a shard may run, on any machines, at once or after one another;
 * exactly one becomes the shard's result:
 *
 *   no commit yet? → data under keys of this attempt alone → commit put if absent → won, or lost: own files removed
 *
 * A commit is written last and names its files with their checksums, so an attempt that dies earlier leaves only
 * files nobody refers to. The last step of a run removes those.
 */
import type { TABLE_FORMATS } from '../config.ts';
import { IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { jsonFile } from './parseFile.ts';
import { ATTEMPT_FOLDERS, type AttemptFolder, attemptKey, commitKey } from './runKeys.ts';
import { type FileEntry, readShardCommit, type ShardCommit, shardCommitSchema } from './shardCommit.ts';

/** A table as the table writer gives it. */
export interface TableBytes {
  readonly bytes: Uint8Array;
  /** Hex. */
  readonly sha256: string;
  readonly rows: number;
}

/** What an attempt found out; the files are added by `commitShard`. */
export type ShardResult = Omit<ShardCommit, 'schemaVersion' | AttemptFolder> & {
  readonly format: (typeof TABLE_FORMATS)[number];
  /** Absent tables had no rows. */
  readonly tables: {
    readonly data?: TableBytes;
    readonly rejects?: TableBytes;
    readonly subjects: TableBytes;
  };
};

/**
 * Makes this attempt the shard's result unless another attempt is. Throws when the store fails; nothing is committed
 * then, or the same call again finds its own commit and answers 'won'.
 */
export async function commitShard(
  store: ObjectStore,
  result: ShardResult,
  signal?: AbortSignal,
): Promise<'won' | 'lost'> {
  const { tables, format, ...facts } = result;
  const before = await readShardCommit(store, result.shardIndex);
  if (before !== undefined) return settle(store, result, before);

  const files = { data: fileEntry('data'), rejects: fileEntry('rejects'), subjects: fileEntry('subjects') };
  for (const folder of ATTEMPT_FOLDERS) {
    const entry = files[folder];
    if (entry !== null) await store.put(entry.key, (tables[folder] as TableBytes).bytes, signal);
  }
  const commit = shardCommitSchema.parse({ schemaVersion: 1, ...facts, ...files } satisfies Record<
    keyof ShardCommit,
    unknown
  >);
  await store.putIfAbsent(commitKey(commit.shardIndex), jsonFile(commit), signal);
  // Whatever the answer was, what can be read back decides: the answer to a retried request may be about this
  // attempt's own earlier write, and a store without put-if-absent may have let another attempt overwrite it.
  const after = await readShardCommit(store, result.shardIndex);
  if (after === undefined) {
    throw new IntegrityError('commit-lost', 'commit cannot be read back', {
      key: commitKey(commit.shardIndex),
    });
  }
  return settle(store, result, after);

  function fileEntry(folder: AttemptFolder): FileEntry | null {
    const table = tables[folder];
    if (table === undefined) return null;
    const key = attemptKey(folder, result.shardIndex, result.attemptId, format);
    return { key, rows: table.rows, bytes: table.bytes.length, sha256: table.sha256 };
  }
}

async function settle(store: ObjectStore, result: ShardResult, commit: ShardCommit): Promise<'won' | 'lost'> {
  if (commit.runId !== result.runId) {
    const facts = { key: commitKey(commit.shardIndex), expected: result.runId, found: commit.runId };
    throw new IntegrityError('other-run', 'commit belongs to another run', facts);
  }
  if (commit.attemptId === result.attemptId) return 'won';
  for (const folder of ATTEMPT_FOLDERS) {
    await store.delete(attemptKey(folder, result.shardIndex, result.attemptId, result.format));
  }
  return 'lost';
}

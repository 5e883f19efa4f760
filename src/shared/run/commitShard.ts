/**
 * The commit protocol. Any number of attempts of a shard may run, on any machines, at once or after one another;
 * exactly one becomes the shard's result:
 *
 *   no commit yet? → data under keys of this attempt alone → still this run's OUT? → commit put if absent
 *     → won, or lost: own files removed
 *
 * A commit is written last and names its files with their checksums, so an attempt that dies earlier leaves only
 * files nobody refers to. The last step of a run removes those.
 */
import type { TABLE_FORMATS } from '../config.ts';
import { IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import type { EncodedTable } from '../table/encodeTable.ts';
import { jsonFile } from './parseFile.ts';
import { requireThisRun } from './requireThisRun.ts';
import { ATTEMPT_FOLDERS, type AttemptFolder, attemptKey, commitKey } from './runKeys.ts';
import {
  checkShardCommit,
  type FileEntry,
  readShardCommit,
  requireCommitOf,
  type ShardCommit,
} from './shardCommit.ts';

/** What an attempt found out; the files are added by `commitShard`. */
export type ShardResult = Omit<ShardCommit, 'schemaVersion' | AttemptFolder> & {
  readonly format: (typeof TABLE_FORMATS)[number];
  /** Absent tables had no rows. */
  readonly tables: {
    readonly data?: EncodedTable;
    readonly rejects?: EncodedTable;
    readonly subjects: EncodedTable;
  };
};

/** A store that is away must not keep an attempt that has failed, or was told to stop. */
const TIDY_MS = 5_000;

/**
 * Makes this attempt the shard's result unless another attempt is. Throws when the store fails; nothing is committed
 * then, or the same call again finds its own commit and answers 'won'.
 * @param signal stops the uploads. A commit that has been asked for gets a few seconds more: stopped in the middle,
 *   nobody would know whether it is there.
 */
export async function commitShard(
  store: ObjectStore,
  result: ShardResult,
  signal?: AbortSignal,
): Promise<'won' | 'lost'> {
  const { tables, format, ...facts } = result;
  const before = await readShardCommit(store, result.spec.index);
  if (before !== undefined) return settle(store, result, before);

  let commit: ShardCommit;
  try {
    for (const folder of ATTEMPT_FOLDERS) await upload(folder, signal);
    const files = {
      data: tables.data === undefined ? null : await fileEntry('data', tables.data),
      rejects: tables.rejects === undefined ? null : await fileEntry('rejects', tables.rejects),
      subjects: await fileEntry('subjects', tables.subjects),
    };
    // A result that does not add up must not become a commit.
    commit = checkShardCommit({ schemaVersion: 1, ...facts, ...files });
    // OUT may have been deleted while the shard was in work, and used again: there this would be in the place of
    // another's.
    await requireThisRun(store, result.spec.runId);
  } catch (error) {
    // The run may be finished already, by others: then no finish will remove them. What stays does no harm.
    await removeFiles(store, result, AbortSignal.timeout(TIDY_MS)).catch(() => {});
    throw error;
  }
  let failure: unknown;
  try {
    await store.putIfAbsent(commitKey(commit.spec.index), jsonFile(commit), later(signal, TIDY_MS));
  } catch (error) {
    failure = error;
  }
  // Whatever the answer was, what can be read back decides: the answer to a retried request may be about this
  // attempt's own earlier write, the answer to a successful one may be lost, and a store without put-if-absent may have
  // let another attempt overwrite it.
  const after = await readShardCommit(store, result.spec.index);
  if (after === undefined) {
    if (failure !== undefined) throw failure;
    const facts = { key: commitKey(commit.spec.index), expected: commit.attemptId, store: store.uri };
    throw new IntegrityError('commit-lost', 'expected the commit just written, found none', facts);
  }
  const outcome = await settle(store, result, after);
  if (outcome === 'won' && !store.atomicPutIfAbsent) await uploadMissing();
  return outcome;

  /**
   * Where a late commit can take the place of another, the run may have been finished with that other one, and the
   * finish has removed these files. The commit must not name what is not there.
   */
  async function uploadMissing(): Promise<void> {
    for (const folder of ATTEMPT_FOLDERS) {
      if (tables[folder] === undefined || (await store.head(keyOf(folder))) !== undefined) continue;
      await upload(folder, undefined);
    }
  }

  function keyOf(folder: AttemptFolder): string {
    return attemptKey(folder, result.spec.index, result.attemptId, format);
  }

  async function fileEntry(folder: AttemptFolder, { rows, bytes, sha256 }: EncodedTable): Promise<FileEntry> {
    return { key: keyOf(folder), rows, bytes, sha256: await sha256 };
  }

  /** Some S3 services keep more or fewer bytes than they were sent and call it a success. */
  async function upload(folder: AttemptFolder, stop: AbortSignal | undefined): Promise<void> {
    const [key, table] = [keyOf(folder), tables[folder]];
    if (table === undefined) return;
    await store.put(key, table.content, stop);
    const found = (await store.head(key, stop))?.bytes;
    if (found === table.bytes) return;
    const facts = { key, sent: table.bytes, found };
    throw new IntegrityError('altered', 'store keeps another number of bytes than it was sent', facts);
  }
}

/** Aborts that long after the signal. */
function later(signal: AbortSignal | undefined, ms: number): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const stop = new AbortController();
  const abort = () => void setTimeout(() => stop.abort(signal.reason), ms).unref();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return stop.signal;
}

async function settle(store: ObjectStore, result: ShardResult, commit: ShardCommit): Promise<'won' | 'lost'> {
  requireCommitOf(result.spec.runId, commit);
  if (commit.attemptId === result.attemptId) return 'won';
  await removeFiles(store, result);
  return 'lost';
}

async function removeFiles(
  store: ObjectStore,
  { spec, attemptId, format }: ShardResult,
  signal?: AbortSignal,
): Promise<void> {
  for (const folder of ATTEMPT_FOLDERS) {
    await store.delete(attemptKey(folder, spec.index, attemptId, format), signal);
  }
}

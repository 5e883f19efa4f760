/** Reads a committed shard: its commit, and the bytes of the files that it names. */
import { ATTEMPT_FOLDERS, type AttemptFolder, commitKey } from '../shared/run/runKeys.ts';
import { readShardCommit, type ShardCommit } from '../shared/run/shardCommit.ts';
import { type LoadedFile, loadFile } from './committedFile.ts';
import type { Verification } from './verification.ts';

/** A committed shard with its files. */
export interface LoadedShard {
  readonly commit: ShardCommit;
  /** Those that the commit names. */
  readonly files: Readonly<Partial<Record<AttemptFolder, LoadedFile>>>;
}

/** Undefined: it has no commit that can be read, which is among the problems then. */
export async function loadShard(
  { store, run, problems, signal }: Verification,
  index: number,
): Promise<LoadedShard | undefined> {
  const key = commitKey(index);
  let commit: ShardCommit | undefined;
  try {
    commit = await readShardCommit(store, index);
  } catch (error) {
    return problems.addDamaged(key)(error);
  }
  if (commit === undefined) return void problems.add('missing-commit', key, 'shard is not committed');
  if (commit.spec.runId !== run.runId) {
    return void problems.add(
      'other-run',
      key,
      `commit is of run ${commit.spec.runId}: remove it, or delete OUT once more`,
    );
  }
  const files: Partial<Record<AttemptFolder, LoadedFile>> = {};
  for (const folder of ATTEMPT_FOLDERS) {
    const entry = commit[folder];
    if (entry !== null) files[folder] = await loadFile(store, entry.key, signal);
  }
  return { commit, files };
}

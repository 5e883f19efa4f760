/**
 * What a run has already of the people in an append's shard: the poses of their rows and the sum of their real
 * embeddings, from the data files that hold them. A file is decoded in a thread of its own, one at a time.
 */
import { IntegrityError } from '../shared/errors.ts';
import type { SubjectId } from '../shared/face.ts';
import type { AppendedSubject } from '../shared/run/appendedSubjects.ts';
import type { RunPlan } from '../shared/run/runPlan.ts';
import { readShardCommit, type ShardCommit } from '../shared/run/shardCommit.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { ownedBuffers } from '../shared/threads/ownedBuffers.ts';
import { openThreadPool, type ThreadPool } from '../shared/threads/threadPool.ts';
import type { EarlierPose, EarlierRequest, EarlierRows } from './earlierThread.ts';

export interface EarlierFaces {
  /** Sum of the person's real embeddings, D values; undefined when there is none. */
  readonly sum: Float32Array | undefined;
  readonly real: readonly EarlierPose[];
  readonly variants: readonly EarlierPose[];
}

export interface EarlierReader {
  /**
   * By person; somebody new, or without a row, is not in it.
   * @throws IntegrityError when a place has no commit, or a commit's file is not the committed one.
   */
  read(
    subjects: readonly AppendedSubject[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<SubjectId, EarlierFaces>>;
  close(): Promise<void>;
}

/** The thread is started by the first shard that needs it. */
export function openEarlierReader(store: ObjectStore, plan: RunPlan): EarlierReader {
  let pool: Promise<ThreadPool<EarlierRequest, EarlierRows[]>> | undefined;
  return {
    async read(subjects, signal) {
      const byPlace = new Map<number, SubjectId[]>();
      for (const { subjectId, earlier } of subjects) {
        for (const place of earlier) byPlace.set(place, [...(byPlace.get(place) ?? []), subjectId]);
      }
      const found = new Map<SubjectId, EarlierFaces>();
      for (const [place, subjectIds] of [...byPlace].sort(([a], [b]) => a - b)) {
        signal.throwIfAborted();
        const { data } = await newestCommit(store, plan, place);
        if (data === null) continue;
        const { key, sha256 } = data;
        const bytes = await store.get(key, undefined, signal);
        if (bytes === undefined) throw new IntegrityError('no-file', 'file of a commit is missing', { key });
        pool ??= openThreadPool<EarlierRequest, EarlierRows[]>({
          file: new URL('./earlierThread.js', import.meta.url),
          size: 1,
          init: undefined,
        });
        const request = { key, bytes, sha256, subjectIds };
        for (const rows of await (await pool).run(request, ownedBuffers([bytes]))) {
          found.set(rows.subjectId, joined(found.get(rows.subjectId), rows));
        }
      }
      return found;
    },
    async close() {
      await (await pool)?.close();
    },
  };
}

/** A shard that is being done again is not waited for: until the run is finished, the rows it will replace are there. */
async function newestCommit(store: ObjectStore, plan: RunPlan, place: number): Promise<ShardCommit> {
  for (const shard of await plan.shardsOf(place)) {
    const commit = await readShardCommit(store, shard);
    if (commit !== undefined) return commit;
  }
  throw new IntegrityError('no-commit', 'an append needs rows of a place that has no commit', { place });
}

function joined(before: EarlierFaces | undefined, more: EarlierRows): EarlierFaces {
  const { sum, real, variants } = more;
  return {
    sum: sum === undefined ? before?.sum : (before?.sum?.map((value, i) => value + sum[i]!) ?? sum),
    real: [...(before?.real ?? []), ...real],
    variants: [...(before?.variants ?? []), ...variants],
  };
}

/**
 * What a run has already, at other places, of the people in a shard: the poses of their rows and the sum of their real
 * embeddings, from the data files that hold them. A file is decoded in a thread of its own, one at a time.
 */
import { IntegrityError } from '../shared/errors.ts';
import type { SubjectId } from '../shared/face.ts';
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
   * By person; somebody without a row is not in it.
   * @param places that hold rows of a person.
   * @throws IntegrityError when a place has no commit, or a commit's file is not the committed one.
   */
  read(
    places: ReadonlyMap<SubjectId, readonly number[]>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<SubjectId, EarlierFaces>>;
  close(): Promise<void>;
}

/** The thread is started by the first shard that needs it. */
export function openEarlierReader(store: ObjectStore, plan: RunPlan): EarlierReader {
  let pool: Promise<ThreadPool<EarlierRequest, EarlierRows[]>> | undefined;
  return {
    async read(places, signal) {
      const byPlace = new Map<number, SubjectId[]>();
      for (const [subjectId, others] of places) {
        for (const place of others) byPlace.set(place, [...(byPlace.get(place) ?? []), subjectId]);
      }
      const found = new Map<SubjectId, EarlierFaces>();
      for (const [place, subjectIds] of [...byPlace].sort(([a], [b]) => a - b)) {
        signal.throwIfAborted();
        const { data } = await commitAt(store, plan, place);
        if (data === null) continue;
        const { key, sha256 } = data;
        const bytes = await store.get(key, undefined, signal);
        if (bytes === undefined) throw new IntegrityError('no-file', 'file of a commit is missing', { key });
        pool ??= openThreadPool<EarlierRequest, EarlierRows[]>({
          name: 'earlier row',
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
      // One that could not be opened has failed its shard.
      await (await pool?.catch(() => undefined))?.close();
    },
  };
}

/**
 * Append and retry see to it that shards with the same people are not done at the same time: of two that cannot see each
 * other, both would make all variants.
 */
async function commitAt(store: ObjectStore, plan: RunPlan, place: number): Promise<ShardCommit> {
  const shard = await plan.shardAt(place);
  const commit = await readShardCommit(store, shard);
  if (commit !== undefined) return commit;
  const facts = { place, shard };
  throw new IntegrityError('no-commit', 'shard needs the rows of another one, which is not committed', facts);
}

function joined(before: EarlierFaces | undefined, more: EarlierRows): EarlierFaces {
  const { sum, real, variants } = more;
  return {
    sum: sum === undefined ? before?.sum : (before?.sum?.map((value, i) => value + sum[i]!) ?? sum),
    real: [...(before?.real ?? []), ...real],
    variants: [...(before?.variants ?? []), ...variants],
  };
}

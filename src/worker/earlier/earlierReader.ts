/**
 * What a run has already, at other places, of the people in a shard: the poses of their rows and the sum of their real
 * embeddings, from the data files that hold them. A file is decoded in a thread of its own, one at a time.
 */
import { openOnDemand } from '../../shared/async/openOnDemand.ts';
import { IntegrityError } from '../../shared/errors.ts';
import type { SubjectId } from '../../shared/face.ts';
import type { RunPlan } from '../../shared/run/runPlan.ts';
import { readCommitOf } from '../../shared/run/shardCommit.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { openThreadPool } from '../../shared/threads/threadPool.ts';
import type { EarlierPose, EarlierRequest, EarlierRows } from './earlierThread.ts';

export interface EarlierFaces {
  /** Sum of the person's real embeddings, D values; undefined when there is none. */
  readonly sum: Float32Array | undefined;
  readonly real: readonly EarlierPose[];
  readonly variants: readonly EarlierPose[];
}

export interface EarlierRead {
  /** By person; somebody without a row is not in it. */
  readonly faces: ReadonlyMap<SubjectId, EarlierFaces>;
  /** Places whose shard is not committed: nothing of theirs was read. */
  readonly uncommitted: ReadonlySet<number>;
}

export interface EarlierReader {
  /**
   * @param places that hold rows of a person.
   * @throws IntegrityError when a commit is another run's, or its file not the committed one.
   */
  read(places: ReadonlyMap<SubjectId, readonly number[]>, signal: AbortSignal): Promise<EarlierRead>;
  close(): Promise<void>;
}

/** The thread is started by the first shard that needs it. */
export function openEarlierReader(store: ObjectStore, runId: string, plan: RunPlan): EarlierReader {
  const pool = openOnDemand(() =>
    openThreadPool<EarlierRequest, EarlierRows[]>({
      name: 'earlier row',
      file: new URL('./earlierThread.js', import.meta.url),
      size: 1,
      init: undefined,
    }),
  );
  return {
    async read(places, signal) {
      const byPlace = new Map<number, SubjectId[]>();
      for (const [subjectId, others] of places) {
        for (const place of others) byPlace.set(place, [...(byPlace.get(place) ?? []), subjectId]);
      }
      const faces = new Map<SubjectId, EarlierFaces>();
      const uncommitted = new Set<number>();
      for (const [place, subjectIds] of [...byPlace].sort(([a], [b]) => a - b)) {
        signal.throwIfAborted();
        const commit = await readCommitOf(store, runId, await plan.shardAt(place));
        if (commit === undefined) uncommitted.add(place);
        if (!commit?.data) continue;
        const { key, sha256 } = commit.data;
        const bytes = await store.get(key, undefined, signal);
        if (bytes === undefined) {
          throw new IntegrityError('missing-file', 'file of a commit is missing', { key });
        }
        const request = { key, bytes, sha256, subjectIds };
        for (const rows of await (await pool.get()).run(request, ownedBuffers([bytes]))) {
          faces.set(rows.subjectId, joined(faces.get(rows.subjectId), rows));
        }
      }
      return { faces, uncommitted };
    },
    close: () => pool.close(),
  };
}

function joined(before: EarlierFaces | undefined, more: EarlierRows): EarlierFaces {
  const { sum, real, variants } = more;
  return {
    sum: sum === undefined ? before?.sum : (before?.sum?.map((value, i) => value + sum[i]!) ?? sum),
    real: [...(before?.real ?? []), ...real],
    variants: [...(before?.variants ?? []), ...variants],
  };
}

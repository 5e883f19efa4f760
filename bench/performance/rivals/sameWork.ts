/** What a straightforward loop does, and no more, with posecast's own stages in posecast's own thread pool. */

import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import { ownedBuffers } from '../../../src/shared/threads/ownedBuffers.ts';
import { openThreadPool } from '../../../src/shared/threads/threadPool.ts';
import { resolvePipelineModels } from '../../../src/worker/models/pipelineModels.ts';
import { tuneGarbageCollection } from '../../../src/worker/threads/tuneGarbageCollection.ts';
import { say } from '../report.ts';
import type { FoundFace, SameWorkInit } from './sameWorkThread.ts';

export interface SameWork {
  /** The face of every photograph, from its file to its embedding; null where none is found. */
  process(paths: readonly string[]): Promise<(FoundFace | null)[]>;
  close(): Promise<void>;
}

/** Photographs a thread gets at a time, as in a run. */
const BATCH = 32;

export async function openSameWork(threads: number): Promise<SameWork> {
  const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' }, say);
  const init: SameWorkInit = { models };
  tuneGarbageCollection();
  const pool = await openThreadPool<readonly Uint8Array[], (FoundFace | null)[]>({
    name: 'same work',
    file: new URL('./sameWorkThread.js', import.meta.url),
    size: threads,
    init,
  });
  // As in a run: one batch computing and one read for every thread.
  const inFlight = pLimit(threads * 2);
  const processBatch = async (paths: readonly string[]) => {
    const files = await Promise.all(paths.map((path) => readFile(path)));
    return pool.run(files, ownedBuffers(files));
  };
  return {
    async process(paths) {
      const batches: Promise<(FoundFace | null)[]>[] = [];
      for (let start = 0; start < paths.length; start += BATCH) {
        batches.push(inFlight(processBatch, paths.slice(start, start + BATCH)));
      }
      return (await Promise.all(batches)).flat();
    },
    close: () => pool.close(),
  };
}

/** The models of a worker process, in threads: what the rest of the worker sees of them. */

import { createReleasers } from '../../shared/async/releasers.ts';
import { ThreadDiedError } from '../../shared/errors.ts';
import type { EmbeddedFace, FaceInput, FaceOutcome } from '../../shared/face.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { openThreadPool, type ThreadPool } from '../../shared/threads/threadPool.ts';
import { openDevice } from '../device/openDevice.ts';
import type { CombinePair } from '../stages/augment.ts';
import type { ModelRequest, ModelResponse, ModelThreadInit, ThreadTimes } from './modelThread.ts';
import { tuneGarbageCollection } from './tuneGarbageCollection.ts';

/** What computes the faces and variants of a shard. */
export interface ShardModels {
  readonly threads: number;
  /** One outcome a face, in order. The inputs' bytes are handed over. */
  processFaces(
    batch: readonly FaceInput[],
    onAnswer?: (times: ThreadTimes) => void,
  ): Promise<FaceOutcome<EmbeddedFace>[]>;
  /** `Combine`; `onAnswer` hears of each request made of it. */
  combine(pairs: readonly CombinePair[], onAnswer?: (times: ThreadTimes) => void): Promise<Float32Array[]>;
}

export interface ModelPool extends ShardModels {
  /**
   * The same models for one more shard: its requests go behind those of the shards that came before. Of two shards in
   * work one is then done first, and its table is written while the models compute the other; sharing the models
   * evenly, both would be done at once, and the models would wait for both tables.
   */
  inTurn(): ShardModels;
  close(): Promise<void>;
}

/**
 * Rows a combiner request carries: large enough for full matrix products, small enough for every thread to get some.
 */
const COMBINE_ROWS = 128;

/** @param signal calls the opening off, which then rejects with its reason. */
export async function openModelPool(
  threads: number,
  init: ModelThreadInit,
  signal?: AbortSignal,
): Promise<ModelPool> {
  tuneGarbageCollection();
  const releasers = createReleasers();
  const { device } = init.pipeline;
  const gpu = device === 'cpu' ? undefined : await openDevice(init.pipeline);
  if (gpu !== undefined) releasers.push('device', () => gpu.close());
  let pool: ThreadPool<ModelRequest, ModelResponse>;
  try {
    pool = await openThreadPool<ModelRequest, ModelResponse>({
      name: 'model',
      file: new URL('./modelThread.js', import.meta.url),
      size: threads,
      init,
      signal,
      ...(gpu && { ports: Array.from({ length: threads }, () => gpu.connect()) }),
    });
    releasers.push('model threads', () => pool.close());
  } catch (error) {
    await releasers.release();
    throw error;
  }

  /** A model thread that lost the device does not know why. */
  async function ask(...request: Parameters<typeof pool.run>): Promise<ModelResponse> {
    try {
      return await pool.run(...request);
    } catch (error) {
      const isDevice = error instanceof ThreadDiedError && error.code === 'device-died';
      throw gpu !== undefined && isDevice ? await gpu.death : error;
    }
  }

  async function combinePart(
    pairs: readonly CombinePair[],
    turn: number,
    onAnswer: ((times: ThreadTimes) => void) | undefined,
  ): Promise<Float32Array[]> {
    const response = await ask(combineRequest(pairs), [], turn);
    if (response.kind !== 'combine') throw new Error('thread answered another request');
    onAnswer?.(response.times);
    return rowsOf(response.embeddings, pairs.length);
  }

  const models = (turn: number): ShardModels => ({
    threads,
    async processFaces(batch, onAnswer) {
      const response = await ask(
        { kind: 'faces', batch },
        ownedBuffers(batch.map((input) => input.bytes)),
        turn,
      );
      if (response.kind !== 'faces') throw new Error('thread answered another request');
      onAnswer?.(response.times);
      return response.outcomes;
    },
    async combine(pairs, onAnswer) {
      const parts: Promise<Float32Array[]>[] = [];
      for (let start = 0; start < pairs.length; start += COMBINE_ROWS) {
        parts.push(combinePart(pairs.slice(start, start + COMBINE_ROWS), turn, onAnswer));
      }
      return (await Promise.all(parts)).flat();
    },
  });
  let turns = 0;
  return { ...models(0), inTurn: () => models(++turns), close: () => releasers.release() };
}

/**
 * Every identity once, however many variants are made of it: memory that is new to this thread is memory to collect.
 */
function combineRequest(pairs: readonly CombinePair[]): ModelRequest {
  const rows = new Map<Float32Array, number>();
  for (const { identity } of pairs) if (!rows.has(identity)) rows.set(identity, rows.size);
  const dim = pairs[0]!.identity.length;
  const identities = new Float32Array(rows.size * dim);
  for (const [identity, row] of rows) identities.set(identity, row * dim);
  return {
    kind: 'combine',
    identities,
    dim,
    sources: Uint32Array.from(pairs, ({ identity }) => rows.get(identity)!),
    postures: Uint32Array.from(pairs, ({ posture }) => posture),
  };
}

function rowsOf(matrix: Float32Array, rows: number): Float32Array[] {
  const dim = matrix.length / rows;
  return Array.from({ length: rows }, (_, row) => matrix.subarray(row * dim, (row + 1) * dim));
}

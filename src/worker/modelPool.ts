/** The models of a worker process, in threads: what the rest of the worker sees of them. */
import { type EmbeddedFace, type FaceInput, type FaceOutcome, POSTURE_DIM } from '../shared/face.ts';
import { createReleasers } from '../shared/releasers.ts';
import { ownedBuffers } from '../shared/threads/ownedBuffers.ts';
import { openThreadPool, type ThreadPool } from '../shared/threads/threadPool.ts';
import { openDevice } from './device/openDevice.ts';
import type { ModelRequest, ModelResponse, ModelThreadInit, ThreadTimes } from './modelThread.ts';

/** What computes the faces and variants of a shard. */
export interface ShardModels {
  readonly threads: number;
  /** One outcome a face, in order. The inputs' bytes are handed over. */
  processFaces(
    batch: readonly FaceInput[],
    onAnswer?: (times: ThreadTimes) => void,
  ): Promise<FaceOutcome<EmbeddedFace>[]>;
  /** n × D identities and n × 512 posture codes → n × D unit embeddings; `onAnswer` hears of each request made of it. */
  combine(
    identities: Float32Array,
    postures: Float32Array,
    onAnswer?: (times: ThreadTimes) => void,
  ): Promise<Float32Array>;
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

/** Rows a combiner request carries: large enough for full matrix products, small enough for every thread to get some. */
const COMBINE_ROWS = 128;

export async function openModelPool(threads: number, init: ModelThreadInit): Promise<ModelPool> {
  const releasers = createReleasers();
  let pool: ThreadPool<ModelRequest, ModelResponse>;
  try {
    const { device } = init.pipeline;
    const gpu = device === 'cpu' ? undefined : await openDevice(init.pipeline);
    if (gpu !== undefined) releasers.push('device', () => gpu.close());
    pool = await openThreadPool<ModelRequest, ModelResponse>({
      file: new URL('./modelThread.js', import.meta.url),
      size: threads,
      init,
      ...(gpu && { ports: Array.from({ length: threads }, () => gpu.connect()) }),
    });
    releasers.push('model threads', () => pool.close());
  } catch (error) {
    await releasers.release();
    throw error;
  }
  const models = (turn: number): ShardModels => ({
    threads,
    async processFaces(batch, onAnswer) {
      const response = await pool.run(
        { kind: 'faces', batch },
        ownedBuffers(batch.map((input) => input.bytes)),
        turn,
      );
      if (response.kind !== 'faces') throw new Error('thread answered another request');
      onAnswer?.(response.times);
      return response.outcomes;
    },
    async combine(identities, postures, onAnswer) {
      const rows = postures.length / POSTURE_DIM;
      const dim = identities.length / rows;
      const embeddings = new Float32Array(rows * dim);
      const parts: Promise<void>[] = [];
      for (let start = 0; start < rows; start += COMBINE_ROWS) {
        const end = Math.min(rows, start + COMBINE_ROWS);
        const request: ModelRequest = {
          kind: 'combine',
          identities: identities.slice(start * dim, end * dim),
          postures: postures.slice(start * POSTURE_DIM, end * POSTURE_DIM),
        };
        parts.push(
          pool.run(request, [], turn).then((response) => {
            if (response.kind !== 'combine') throw new Error('thread answered another request');
            onAnswer?.(response.times);
            embeddings.set(response.embeddings, start * dim);
          }),
        );
      }
      await Promise.all(parts);
      return embeddings;
    },
  });
  let turns = 0;
  return { ...models(0), inTurn: () => models(++turns), close: () => releasers.release() };
}

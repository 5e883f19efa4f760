/**
 * Stand-ins for the costly parts of a worker: with one in place, what a run still costs is the rest. For measuring only
 * (`posecast bench --model dummy`, `--sink dummy`): such a run's tables are worthless.
 */
import { type EmbeddedFace, POSTURE_DIM } from '../../shared/face.ts';
import { normalizeInPlace } from '../../shared/l2.ts';
import { seededRandom } from '../../shared/random.ts';
import { bodyBytes, bodySha256 } from '../../shared/store/objectBody.ts';
import type { TableWriter } from '../tables/tableWriter.ts';
import type { ModelPool, ShardModels } from '../threads/modelPool.ts';

/** Which parts are stood in for. */
export interface StandIns {
  /** Photographs are read, but not even decoded: each is a face with an invented embedding. */
  readonly models?: boolean;
  /** Embeddings are neither encoded nor written. */
  readonly tables?: boolean;
}

/** Models that answer at once: unit embeddings of `dim` values, no two alike, as tables of real ones are. */
export function openDummyModels({ threads, dim, withPostures }: DummyModelsOptions): ModelPool {
  const random = seededRandom(1, 'dummy-models');
  const invented = (like: Float32Array): Float32Array => {
    const embedding = like.map((value) => value + (random() - 0.5) / Math.sqrt(dim));
    normalizeInPlace(embedding);
    return embedding;
  };
  const nothing = new Float32Array(dim);
  const face = (): EmbeddedFace => ({
    facesFound: 1,
    detectionScore: 1,
    pose: { yaw: 0, pitch: 0, roll: 0 },
    landmarks: new Float32Array(136),
    embedding: invented(nothing),
    ...(withPostures && { postureCode: new Float32Array(POSTURE_DIM) }),
  });
  const models: ShardModels = {
    threads,
    processFaces: async (batch) => batch.map(() => ({ status: 'ok', face: face() })),
    combine: async (pairs) => pairs.map(({ identity }) => invented(identity)),
  };
  return { ...models, inTurn: () => models, close: async () => {} };
}

export interface DummyModelsOptions {
  readonly threads: number;
  readonly dim: number;
  readonly withPostures: boolean;
}

/**
 * A writer whose tables of embeddings are files of one byte; those of rejects and people, which a run reads again, are
 * real.
 */
export function withoutEmbeddings(writer: TableWriter): TableWriter {
  const content = [new Uint8Array(1)];
  const sha256 = Promise.resolve(bodySha256(content));
  return {
    encode: async (table, options) =>
      options.metadata.kind === 'embeddings'
        ? { content, bytes: bodyBytes(content), sha256, rows: table.rows }
        : writer.encode(table, options),
    close: () => writer.close(),
  };
}

/** The FRA combiner: (identity embedding, posture code) → embedding of that identity at that posture. */
import { POSTURE_DIM } from '../../shared/face.ts';
import { normalizeInPlace } from '../../shared/l2.ts';
import { openSession, outputOf, type SessionOptions } from './session.ts';

export interface Combiner {
  /** n × D identities and n × 512 posture codes → n × D embeddings of unit length. */
  combine(identities: Float32Array, postures: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Rows of every run on a GPU: as many as one request of the model pool carries. */
const GPU_BATCH = 128;

export async function openCombiner(path: string, options: SessionOptions): Promise<Combiner> {
  const session = await openSession(path, { ...options, gpuBatch: GPU_BATCH });
  return {
    async combine(identities, postures) {
      const rows = postures.length / POSTURE_DIM;
      const dim = identities.length / rows;
      const outputs = await session.runNamed({
        identity: { data: identities, dims: [rows, dim] },
        posture: { data: postures, dims: [rows, POSTURE_DIM] },
      });
      const embeddings = outputOf(session, outputs, 'embedding', [dim]);
      // A combiner as published does not normalise; what leaves here is always of unit length.
      for (let row = 0; row < rows; row++) normalizeInPlace(embeddings.subarray(row * dim, (row + 1) * dim));
      return embeddings;
    },
    close: () => session.close(),
  };
}

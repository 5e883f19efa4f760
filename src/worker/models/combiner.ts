/** The FRA combiner: (identity embedding, posture code) → embedding of that identity at that posture. */
import { POSTURE_DIM } from '../../shared/face.ts';
import { normalizeInPlace } from '../../shared/l2.ts';
import type { NetworkTensors } from './runtime.ts';
import { type NetworkSession, openSession, outputOf, type SessionOptions } from './session.ts';

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
      return unitEmbeddings(session, outputs, dim);
    },
    close: () => session.close(),
  };
}

/** What a combiner's network answers. As published it does not normalise; what leaves here is always of unit length. */
export function unitEmbeddings(session: NetworkSession, outputs: NetworkTensors, dim: number): Float32Array {
  const embeddings = outputOf(session, outputs, 'embedding', [dim]);
  for (let at = 0; at < embeddings.length; at += dim) normalizeInPlace(embeddings.subarray(at, at + dim));
  return embeddings;
}

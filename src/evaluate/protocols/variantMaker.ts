/** What adds embeddings to an enrolled one in a pair or template protocol. */

import type { PostureBank } from '../../fra/postureBank.ts';
import { POSTURE_DIM } from '../../shared/face.ts';
import { centroid, normalizeInPlace } from '../../shared/l2.ts';
import { seededRandom } from '../../shared/random.ts';
import type { Combiner } from '../../worker/models/combiner.ts';
import type { RowKind } from '../result.ts';
import { jitterLike } from './kdefFaces.ts';

export interface VariantMaker {
  readonly id: string;
  readonly label: string;
  readonly kind: RowKind;
  readonly trainedOn: string;
  /** Variants of each embedding, unit length, the same number of each. */
  variantsOf(embeddings: readonly Float32Array[]): Promise<Float32Array[][]>;
}

/** Embeddings whose variants are in memory at once. */
const CHUNK = 256;

/** The direction of the mean of each embedding and its variants: what is compared instead of the embedding. */
export async function enrolledTemplates(
  maker: VariantMaker,
  embeddings: readonly Float32Array[],
): Promise<Float32Array[]> {
  const templates: Float32Array[] = [];
  for (let start = 0; start < embeddings.length; start += CHUNK) {
    const chunk = embeddings.slice(start, start + CHUNK);
    const variants = await maker.variantsOf(chunk);
    chunk.forEach((embedding, i) => {
      templates.push(centroid([embedding, ...variants[i]!]));
    });
  }
  return templates;
}

/** A FRA model at `count` postures of its bank, the same for everybody: evenly spaced by yaw. */
export function fraMaker(
  model: {
    readonly id: string;
    readonly trainedOn: string;
    readonly bank: PostureBank;
    readonly combiner: Combiner;
  },
  count: number,
): VariantMaker {
  const codes = evenPostures(model.bank, count);
  return {
    id: model.id,
    label: `FRA ${model.id}`,
    kind: 'generator',
    trainedOn: model.trainedOn,
    async variantsOf(embeddings) {
      if (embeddings.length === 0 || count === 0) return embeddings.map(() => []);
      const dim = embeddings[0]!.length;
      const identities = new Float32Array(embeddings.length * count * dim);
      const postures = new Float32Array(embeddings.length * count * POSTURE_DIM);
      embeddings.forEach((embedding, i) => {
        codes.forEach((code, k) => {
          identities.set(embedding, (i * count + k) * dim);
          postures.set(code, (i * count + k) * POSTURE_DIM);
        });
      });
      const made = await model.combiner.combine(identities, postures);
      return embeddings.map((_, i) =>
        codes.map((_, k) => made.slice((i * count + k) * dim, (i * count + k + 1) * dim)),
      );
    },
  };
}

/** Noise instead of variants, as far from the embedding as the variants of `like` are: what any cloud would do. */
export function jitterMaker(like: VariantMaker, seed: number): VariantMaker {
  return {
    id: `jitter-${like.id}`,
    label: 'jitter',
    kind: 'rival',
    trainedOn: `nothing; noise as long as the variants of ${like.label} are far`,
    async variantsOf(embeddings) {
      const variants = await like.variantsOf(embeddings);
      return embeddings.map((embedding, i) => {
        const own = variants[i]!;
        // Noise depends on the embedding and not on its place in the list.
        const random = seededRandom(seed, 'jitter', ...embedding.subarray(0, 8));
        const jitter = jitterLike(
          random,
          own.map(() => embedding),
          own,
        );
        for (const one of jitter) normalizeInPlace(one);
        return jitter;
      });
    },
  };
}

/**
 * Codes of `count` postures: of each of `count` equal parts of the bank, sorted by yaw, the one nearest to zero pitch.
 */
export function evenPostures({ codes, yaw, pitch, ids }: PostureBank, count: number): Float32Array[] {
  const order = ids.map((_, i) => i).sort((a, b) => yaw[a]! - yaw[b]! || a - b);
  return Array.from({ length: count }, (_, k) => {
    const from = Math.floor((k * order.length) / count);
    const part = order.slice(from, Math.max(from + 1, Math.floor(((k + 1) * order.length) / count)));
    const chosen = part.reduce((a, b) => (Math.abs(pitch[b]!) < Math.abs(pitch[a]!) ? b : a));
    return codes.slice(chosen * POSTURE_DIM, (chosen + 1) * POSTURE_DIM);
  });
}

/**
 * IJB template pooling: the embeddings of one media are averaged first, so that a video of a hundred frames counts as
 * much as a photograph, then the media of a template; the result has unit length.
 */
import { normalizeInPlace } from '../../shared/l2.ts';

export interface TemplatePool {
  /** Adds a photograph. Unit length, D values; always the same D. */
  add(template: number, media: number, embedding: Float32Array): void;
  /** Template → pooled embedding of unit length. */
  pooled(): Map<number, Float32Array>;
}

interface Media {
  readonly sum: Float32Array;
  count: number;
}

/** Memory grows with templates and media, not with photographs. */
export function openTemplatePool(): TemplatePool {
  const templates = new Map<number, Map<number, Media>>();
  return {
    add(template, media, embedding) {
      const group = templates.get(template) ?? new Map<number, Media>();
      templates.set(template, group);
      const known = group.get(media);
      if (known === undefined) group.set(media, { sum: Float32Array.from(embedding), count: 1 });
      else {
        for (let i = 0; i < embedding.length; i++) known.sum[i]! += embedding[i]!;
        known.count++;
      }
    },
    pooled() {
      const result = new Map<number, Float32Array>();
      for (const [template, group] of templates) {
        const pooled = new Float32Array(group.values().next().value?.sum.length ?? 0);
        for (const { sum, count } of group.values()) {
          for (let i = 0; i < pooled.length; i++) pooled[i]! += sum[i]! / count;
        }
        normalizeInPlace(pooled);
        result.set(template, pooled);
      }
      return result;
    },
  };
}

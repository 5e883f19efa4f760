/** Models that only take time: what a worker does around them can be measured without a GPU, and 200 at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedFace } from '../../../src/shared/face.ts';
import type { ModelPool, ShardModels } from '../../../src/worker/threads/modelPool.ts';

/** Milliseconds by `performance.now()`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface TimerModels extends ModelPool {
  /** When the device computed, in order; touching intervals are joined. */
  readonly busy: readonly Interval[];
}

export interface TimerModelsOptions {
  /** What a face takes. 0: nothing waits. */
  readonly msPerFace: number;
  /** Values of an embedding. */
  readonly dim: number;
}

/**
 * One device that computes one batch after another, those of the shard that came first before the others, as the
 * threads of the real pool do. What waited already starts when the batch before it ended by the clock, not when the
 * timer rang: a late timer is no idle device.
 */
export function openTimerModels({ msPerFace, dim }: TimerModelsOptions): TimerModels {
  const busy: { start: number; end: number }[] = [];
  const waiting: { readonly turn: number; readonly ms: number; readonly since: number; done(): void }[] = [];
  let running = false;
  let freeAt = 0;
  const face: EmbeddedFace = {
    facesFound: 1,
    detectionScore: 1,
    pose: { yaw: 0, pitch: 0, roll: 0 },
    landmarks: new Float32Array(136).fill(56),
    embedding: new Float32Array(dim).fill(dim ** -0.5),
  };

  async function compute(): Promise<void> {
    if (running) return;
    running = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const start = Math.max(freeAt, next.since);
      freeAt = start + next.ms;
      const last = busy.at(-1);
      if (last !== undefined && start - last.end < 1e-6) last.end = freeAt;
      else busy.push({ start, end: freeAt });
      await sleep(Math.max(0, freeAt - performance.now()));
      next.done();
      // Who waited for this answer may ask for more before the next one is chosen.
      await sleep(0);
    }
    running = false;
  }

  const models = (turn: number): ShardModels => ({
    threads: 1,
    async processFaces(batch) {
      if (msPerFace > 0) {
        await new Promise<void>((done) => {
          const behind = waiting.findLastIndex((other) => other.turn <= turn);
          const request = { turn, ms: batch.length * msPerFace, since: performance.now(), done };
          waiting.splice(behind + 1, 0, request);
          void compute();
        });
      }
      return batch.map(() => ({ status: 'ok', face }));
    },
    async combine() {
      throw new Error('timer models generate nothing');
    },
  });
  let turns = 0;
  return { ...models(0), busy, inTurn: () => models(++turns), close: async () => {} };
}

/** Milliseconds of [start, end) in which the device computed. */
export function busyWithin(busy: readonly Interval[], { start, end }: Interval): number {
  return busy.reduce((sum, one) => sum + Math.max(0, Math.min(one.end, end) - Math.max(one.start, start)), 0);
}

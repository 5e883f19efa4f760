/** Keeps long loops on the main thread from holding up the renewal of locks. */
import { setImmediate } from 'node:timers/promises';

/** A loop computes for this long at a time, in milliseconds; lock renewal is promised within 50. */
const BREATH_MS = 8;

/** `if (breather.isDue()) await breather.pause();` once a round: a round that waits for nothing makes no promise. */
export interface Breather {
  /** Whether the loop has computed for long enough. */
  isDue(): boolean;
  /** The event loop runs. */
  pause(): Promise<void>;
}

export function createBreather(): Breather {
  let since = performance.now();
  return {
    isDue: () => performance.now() - since >= BREATH_MS,
    async pause() {
      await setImmediate();
      since = performance.now();
    },
  };
}

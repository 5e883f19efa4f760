/** Keeps long loops on the main thread from holding up the renewal of locks. */
import { setImmediate } from 'node:timers/promises';

/** A loop computes for this long at a time, in milliseconds; lock renewal is promised within 50. */
const COMPUTE_MS = 8;

/** `if (loop.isDue()) await loop.yield();` once a round: a round that waits for nothing makes no promise. */
export interface LoopYield {
  /** Whether the loop has computed for long enough. */
  isDue(): boolean;
  /** The event loop runs. */
  yield(): Promise<void>;
}

export function createLoopYield(): LoopYield {
  let since = performance.now();
  return {
    isDue: () => performance.now() - since >= COMPUTE_MS,
    async yield() {
      await setImmediate();
      since = performance.now();
    },
  };
}

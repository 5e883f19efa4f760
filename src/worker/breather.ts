/** Keeps long loops on the main thread from holding up the renewal of locks. */
import { setImmediate } from 'node:timers/promises';

/** A loop computes for this long at a time, in milliseconds; lock renewal is promised within 50. */
const BREATH_MS = 8;

export interface Breather {
  /** Call once a round and await the answer where there is one: the event loop runs then. */
  pause(): Promise<void> | undefined;
}

export function createBreather(): Breather {
  let since = performance.now();
  return {
    pause() {
      if (performance.now() - since < BREATH_MS) return undefined;
      return setImmediate().then(() => {
        since = performance.now();
      });
    },
  };
}

/** A wait that somebody may end early. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface InterruptibleWait {
  /** Ends the wait that is under way; where none is, the next one. */
  interrupt(): void;
  /** True: it was interrupted. False: `ms` are over. Rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

export function createInterruptibleWait(): InterruptibleWait {
  let interrupted = false;
  let end = (): void => {};
  return {
    interrupt() {
      interrupted = true;
      end();
    },
    async wait(ms, signal) {
      const ended = new AbortController();
      end = () => ended.abort();
      signal.addEventListener('abort', end);
      try {
        if (!interrupted && !signal.aborted) await sleep(ms, undefined, { signal: ended.signal });
      } catch (error) {
        if (!ended.signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', end);
      }
      signal.throwIfAborted();
      const early = interrupted;
      interrupted = false;
      return early;
    },
  };
}

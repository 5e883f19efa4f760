/** A wait that somebody may cut short. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Bell {
  /** Ends the wait that is under way; where none is, the next one. */
  ring(): void;
  /** True: it rang. False: `ms` are over. Rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

export function createBell(): Bell {
  let rang = false;
  let end = (): void => {};
  return {
    ring() {
      rang = true;
      end();
    },
    async wait(ms, signal) {
      const ended = new AbortController();
      end = () => ended.abort();
      signal.addEventListener('abort', end);
      try {
        if (!rang && !signal.aborted) await sleep(ms, undefined, { signal: ended.signal });
      } catch (error) {
        if (!ended.signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', end);
      }
      signal.throwIfAborted();
      const heard = rang;
      rang = false;
      return heard;
    },
  };
}

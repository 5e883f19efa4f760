/**
 * Redis is there and refuses: out of memory, a full disk under its append-only file, loading. Reported when it starts
 * and when it ends.
 */
import { describeError } from '../../shared/errors.ts';
import { isRefusal } from '../../shared/redis/redisRefusal.ts';

export interface RefusalNotice {
  /** An error of the worker; those of the connection are not this one's. */
  add(error: Error): void;
  /** Redis has answered as it should. */
  over(): void;
}

/** A Redis without memory refuses one command and answers the next: over is what has been over for a while. */
const OVER_AFTER_MS = 5_000;

export function createRefusalNotice(
  warn: (line: string) => void,
  clock: () => number = () => performance.now(),
): RefusalNotice {
  let said: string | undefined;
  let refusedAt = 0;
  return {
    add(error) {
      // Outages are reported by the client; a lost lock is the shard's affair.
      if (!isRefusal(error)) return;
      const kind = error.message.split(' ')[0];
      if (kind !== said) warn(`redis refuses to hand out shards, trying again (${describeError(error)})`);
      said = kind;
      refusedAt = clock();
    },
    over() {
      if (said === undefined || clock() - refusedAt < OVER_AFTER_MS) return;
      warn('redis hands out shards again');
      said = undefined;
    },
  };
}

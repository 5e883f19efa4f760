/** The last step of a run, which one of the processes that work on it does at a time. */
import type { Redis } from 'ioredis';
import { claimFinish } from '../shared/redis/runClaims.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { type RejectReport, rejectsOfSmallRun } from '../worker/rejectWatch.ts';

export interface FinishClaim {
  /** The last step is under way here. */
  readonly held: boolean;
  /** Undefined: another process does it, or it is not to be done. Else what it gives is called when it is done. */
  claim(): Promise<(() => Promise<void>) | undefined>;
}

export interface FinishClaimOptions {
  readonly redis: Redis;
  readonly run: RunFile;
  readonly store: ObjectStore;
  /** 0–1, as it was asked for. */
  readonly maxRejectedShare: number | undefined;
  /** Of a run whose commits say so. */
  readonly onTooManyRejects: (rejects: RejectReport) => void;
}

export function createFinishClaim(options: FinishClaimOptions): FinishClaim {
  const { redis, run, store, maxRejectedShare, onTooManyRejects } = options;
  let held = false;
  return {
    get held() {
      return held;
    },
    async claim() {
      // Before the claim, which keeps all others from the last step.
      const tooMany = await rejectsOfSmallRun(maxRejectedShare, run, store);
      if (tooMany !== undefined) {
        onTooManyRejects(tooMany);
        return undefined;
      }
      const done = await claimFinish(redis, run.runId);
      if (done === undefined) return undefined;
      held = true;
      return () => {
        held = false;
        return done();
      };
    },
  };
}

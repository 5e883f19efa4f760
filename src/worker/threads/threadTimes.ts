import type { Stopwatch } from '../stopwatch.ts';
import { BATCH_STAGES, type WorkObserver } from '../workObserver.ts';
import type { ThreadTimes } from './modelThread.ts';

/** What a model thread measured, added to the shard's times. */
export function addThreadTimes(
  times: ThreadTimes,
  stopwatch: Stopwatch,
  observer: WorkObserver | undefined,
): void {
  observer?.threadBusy?.(times.busyMs / 1_000);
  for (const stage of BATCH_STAGES) {
    const ms = times.stagesMs[stage];
    if (ms === undefined) continue;
    stopwatch.add(stage, ms);
    observer?.batchStage?.(stage, ms / 1_000);
  }
}

/** What `work --once` says of runs that only their pause keeps from it. */

import type { RunEntry } from '../../shared/redis/runList.ts';
import { count } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { StoreFlags } from '../options/storeOptions.ts';
import { resumeCommandLine } from './commandLine.ts';
import { printResult } from './printResult.ts';

/** What is left of a process that takes what there is: nobody else says that it is there, and not done. */
export function sayPaused(
  paused: readonly RunEntry[],
  flags: StoreFlags & { readonly json?: boolean },
): void {
  const [first] = paused;
  if (first === undefined) return;
  const runs = paused.map(({ runId, out }) => ({ runId, out }));
  // Redis may say anything.
  const goOn = printable(resumeCommandLine(first.out, flags));
  printResult(
    flags,
    { event: 'runs-paused', paused: runs.length, runs },
    runs.length === 1
      ? `1 run is paused and left as it is; go on with: ${goOn}`
      : `${count(runs.length)} runs are paused and left as they are; the oldest goes on with: ${goOn}`,
  );
}

/** The title of a run's pages, which the browser shows in its tab: how far the run is, then which run. */
import type { RunSnapshot } from '../data/runSnapshot.ts';

export function pageTitle({ state, counters, facesTotal }: RunSnapshot, runId: string): string {
  const share = Math.floor((100 * counters.faces) / facesTotal);
  const progress = state === 'complete' ? 'complete' : `${share} % ${state === 'unknown' ? 'done' : state}`;
  return `${progress} · posecast ${runId}`;
}

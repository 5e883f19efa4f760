/** Where Redis keeps what it knows of runs beside their queues, and for how long. */

/** The runs there is work for. */
export const RUNS_KEY = 'posecast:runs';

/** What is kept of a single run. */
export type RunFact = 'feeding' | 'finish' | 'forgotten' | 'progress' | 'workers';

export function runFactKey(runId: string, fact: RunFact): string {
  return `posecast:${runId}:${fact}`;
}

/** How long Redis remembers a fact of a run after its last change, in seconds. */
export const FORGET_S = 7 * 24 * 3_600;

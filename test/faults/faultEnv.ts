/** The environment of a posecast process of this suite. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FaultCorpus } from './corpora.ts';

/** @param clock minutes by which the clock of the process is wrong. */
export function faultEnv(corpus: FaultCorpus, env: NodeJS.ProcessEnv, clock = 0): NodeJS.ProcessEnv {
  const preload = (name: string) => `--import=${pathToFileURL(join(import.meta.dirname, `${name}.js`)).href}`;
  return {
    ...corpus.env,
    ...env,
    NODE_OPTIONS: [preload('shiftedClock'), preload('shortWaits')].join(' '),
    POSECAST_FAULTS_CLOCK: String(clock),
  };
}

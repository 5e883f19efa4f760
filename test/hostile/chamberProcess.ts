/** The process of a chamber: `node chamberProcess.js SUBJECT`, seeds in and answers out by message. */
import { readFileSync } from 'node:fs';
import { type CaseAnswer, READY } from './chamber.ts';
import { SUBJECTS } from './chamberSubjects.ts';
import { startMeasure } from './outcome.ts';

const open = SUBJECTS[process.argv[2] ?? ''];
if (open === undefined) throw new Error(`no such subject [subject=${process.argv[2]}]`);
const tryCase = await open();

process.on('message', async (seed: number) => {
  const measure = startMeasure();
  const answer = await tryCase(seed).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({
      problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  );
  process.send?.({ ...answer, ...memory(), busyMs: measure().busyMs } satisfies CaseAnswer);
});
process.send?.(READY);

function memory(): { resident: number; peak: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { resident: field('VmRSS'), peak: field('VmHWM') };
}

/** What a person sees on stderr while an evaluation works. */
import type { EvaluationHooks } from '../evaluate/settings.ts';
import { duration } from './output/format.ts';
import { isTerminal, openLastLine } from './output/lastLine.ts';

const PLAIN_EVERY_MS = 10_000;

export interface EvaluationReporter extends Omit<EvaluationHooks, 'signal'> {
  /** Takes the progress off a terminal, for what is written next. */
  readonly clear: () => void;
}

/**
 * A line that rewrites itself on a terminal, a plain line now and then in a log.
 * @param clock milliseconds; an argument so that tests own the time
 */
export function openEvaluationReporter(
  out: NodeJS.WriteStream = process.stderr,
  clock: () => number = () => performance.now(),
): EvaluationReporter {
  const terminal = isTerminal(out);
  const lastLine = openLastLine(out);
  const write = (line: string) => {
    if (terminal) lastLine.above(line);
    else out.write(`${line}\n`);
  };
  let [stage, since, shownAt] = ['', clock(), clock()];
  return {
    note: write,
    stage(name) {
      [stage, since] = [name, clock()];
      lastLine.clear();
      write(`— ${stage}`);
    },
    progress(done, total, note) {
      const now = clock();
      if (now - shownAt < (terminal ? 200 : PLAIN_EVERY_MS)) return;
      shownAt = now;
      const parts = [`${stage} ${done}${total === undefined ? '' : `/${total}`}`];
      if (total !== undefined) parts.push(`${duration(((now - since) / 1000 / done) * (total - done))} left`);
      if (note !== '') parts.push(note);
      const line = parts.join(' · ');
      if (terminal) lastLine.rewrite(line);
      else out.write(`${line}\n`);
    },
    clear: () => lastLine.clear(),
  };
}

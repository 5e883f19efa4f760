/** What a person sees on stderr while an evaluation works. */
import type { EvaluationHooks } from '../evaluate/settings.ts';
import { duration } from './format.ts';

const PLAIN_EVERY_MS = 10_000;

/** A line that rewrites itself on a terminal, a plain line now and then in a log. */
export function openEvaluationReporter(): Omit<EvaluationHooks, 'signal'> {
  const terminal = process.stderr.isTTY === true;
  const write = (line: string) => process.stderr.write(terminal ? `\r\x1b[2K${line}\n` : `${line}\n`);
  let [stage, since, shownAt] = ['', Date.now(), Date.now()];
  return {
    note: write,
    stage(name) {
      [stage, since] = [name, Date.now()];
      write(`— ${stage}`);
    },
    progress(done, total, note) {
      const now = Date.now();
      if (now - shownAt < (terminal ? 200 : PLAIN_EVERY_MS)) return;
      shownAt = now;
      const left = duration(((now - since) / 1000 / done) * (total - done));
      const line = `${stage} ${done}/${total} · ${left} left${note === '' ? '' : ` · ${note}`}`;
      process.stderr.write(terminal ? `\r\x1b[2K${line}` : `${line}\n`);
    },
  };
}

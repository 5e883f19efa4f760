/**
 * A process that hostile input may kill: cases are sent one at a time, so that a native abort, a hang or memory beyond
 * the limit belongs to one case and is told apart from the test's own end.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HANG_MS } from './outcome.ts';

/** What a case may be answered with; `problem` is a failure of the product. */
export interface CaseAnswer {
  /** In a word: taken, or the code of the refusal. */
  readonly outcome?: string;
  readonly problem?: string;
  /** Resident memory after the case, and its highest value since the start of the process, in bytes. */
  readonly resident: number;
  readonly peak: number;
}

export interface Chamber {
  /** Throws an AssertionError that names the case when the process dies, hangs or answers with a problem. */
  run(seed: number): Promise<CaseAnswer>;
  close(): Promise<void>;
}

/** Starts a process that tries cases of one subject (`chamberSubjects.ts`). */
export function openChamber(subject: string): Chamber {
  let child = start(subject);
  return {
    async run(seed) {
      const answer = await ask(child, seed);
      if (typeof answer !== 'string') {
        assert.equal(answer.problem, undefined, `${subject}, case ${seed}: ${answer.problem}`);
        return answer;
      }
      await end(child);
      child = start(subject);
      assert.fail(`${subject}, case ${seed}: ${answer}`);
    },
    close: () => end(child),
  };
}

function start(subject: string): ChildProcess {
  const file = fileURLToPath(new URL('./chamberProcess.js', import.meta.url));
  return fork(file, [subject], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** The child's answer, or how it failed to give one. The first case also waits for the start of the process. */
function ask(child: ChildProcess, seed: number): Promise<CaseAnswer | string> {
  return new Promise((resolve) => {
    const settle = (answer: CaseAnswer | string) => {
      clearTimeout(timer);
      child.off('message', settle);
      child.off('exit', died);
      resolve(answer);
    };
    const died = (code: number | null, signal: NodeJS.Signals | null) =>
      settle(`the process died [code=${code}, signal=${signal}]`);
    const timer = setTimeout(() => settle(`no answer within ${HANG_MS / 1000} s`), HANG_MS);
    child.on('message', settle);
    child.on('exit', died);
    child.send(seed);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

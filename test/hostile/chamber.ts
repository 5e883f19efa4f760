/**
 * A process that hostile input may kill: cases are sent one at a time, so that a native abort, a hang or memory beyond
 * the limit belongs to one case and is told apart from the test's own end.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BUSY_MS, HANG_MS } from './outcome.ts';

/** What a case may be answered with; `problem` is a failure of the product. */
export interface CaseAnswer {
  /** In a word: taken, or the code of the refusal. */
  readonly outcome?: string;
  readonly problem?: string;
  /** Resident memory after the case, and its highest value since the start of the process, in bytes. */
  readonly resident: number;
  readonly peak: number;
  /** Processor time of the case, in milliseconds. */
  readonly busyMs: number;
}

export interface Chamber {
  /** Throws an AssertionError that names the case when the process dies, hangs, works too long or answers with a problem. */
  run(seed: number): Promise<CaseAnswer>;
  close(): Promise<void>;
}

/** What the process sends when it can be asked. */
export const READY = 'ready';
/** It loads what it tries: on a busy machine that takes longer than a case may. */
const START_MS = 60_000;

/** Starts a process that tries cases of one subject (`chamberSubjects.ts`). */
export function openChamber(subject: string): Chamber {
  let process = start(subject);
  return {
    async run(seed) {
      const answer = await ask(process, seed);
      if (typeof answer !== 'string') {
        assert.equal(answer.problem, undefined, `${subject}, case ${seed}: ${answer.problem}`);
        const busy = `${subject}, case ${seed}: kept a processor busy for ${Math.round(answer.busyMs)} ms`;
        assert.ok(answer.busyMs < BUSY_MS, busy);
        return answer;
      }
      await end(process.child);
      process = start(subject);
      assert.fail(`${subject}, case ${seed}: ${answer}`);
    },
    close: () => end(process.child),
  };
}

interface Started {
  readonly child: ChildProcess;
  /** READY, or why it is not. */
  readonly ready: Promise<string>;
}

function start(subject: string): Started {
  const file = fileURLToPath(new URL('./chamberProcess.js', import.meta.url));
  const child = fork(file, [subject], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return { child, ready: nextMessage<never>(child, START_MS) };
}

/** The child's answer, or how it failed to give one. */
async function ask({ child, ready }: Started, seed: number): Promise<CaseAnswer | string> {
  const started = await ready;
  if (started !== READY) return `at its start: ${started}`;
  child.send(seed);
  return nextMessage<CaseAnswer>(child, HANG_MS);
}

/** What the child sends next, or how it failed to. */
function nextMessage<T>(child: ChildProcess, withinMs: number): Promise<T | string> {
  return new Promise((resolve) => {
    const settle = (message: T | string) => {
      clearTimeout(timer);
      child.off('message', settle);
      child.off('exit', died);
      resolve(message);
    };
    const died = (code: number | null, signal: NodeJS.Signals | null) =>
      settle(`the process died [code=${code}, signal=${signal}]`);
    const timer = setTimeout(() => settle(`no answer within ${withinMs / 1000} s`), withinMs);
    child.on('message', settle);
    child.on('exit', died);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/**
 * Keeps posecast processes running as somebody would who gives the same command again until it says that all is done.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CliProcess, startPosecast } from '../helpers/cli.ts';

export interface Supervised {
  /** The process, while there is one. */
  readonly current: CliProcess | undefined;
  /** kill -9; the supervisor starts it again. */
  kill(): void;
  /** Stands still for so many milliseconds, and goes on. */
  suspend(ms: number): Promise<void>;
}

export interface Supervisor {
  /**
   * Runs the command until it ends with 0, at most so many times.
   * @param onFailure before each further start, unless the process was killed.
   */
  untilDone(
    name: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    options?: { readonly onFailure?: () => Promise<void>; readonly onStart?: (process: Supervised) => void },
  ): Promise<void>;
  /** What every process printed, for the message of a failure. */
  transcript(): string;
  /** Ends what is left. */
  close(): Promise<void>;
}

const MOST_STARTS = 40;

export function createSupervisor(): Supervisor {
  const history: { readonly title: string; readonly process: CliProcess }[] = [];
  let closing = false;
  const started = performance.now();
  const now = () => ((performance.now() - started) / 1000).toFixed(1);

  return {
    async untilDone(name, args, env, { onFailure, onStart } = {}) {
      let current: CliProcess | undefined;
      onStart?.({
        get current() {
          return current;
        },
        kill: () => void current?.child.kill('SIGKILL'),
        async suspend(ms) {
          const process = current;
          process?.child.kill('SIGSTOP');
          await sleep(ms);
          process?.child.kill('SIGCONT');
        },
      });
      for (let start = 1; !closing; start++) {
        assert.ok(start <= MOST_STARTS, `${name} was started ${MOST_STARTS} times and is not done`);
        const process = startPosecast(args, env);
        current = process;
        const entry = { title: `${now()} s: ${name}, start ${start}`, process };
        history.push(entry);
        const { code, stdout, stderr } = await process.done;
        entry.title += `; ended at ${now()} s with ${code ?? process.child.signalCode}`;
        assert.doesNotMatch(stdout + stderr, /\n {4}at /, `${name} shows a stack trace`);
        if (code === 0) return;
        assert.ok([null, 1, 2, 130].includes(code), `${name} ended with ${code}`);
        if (code !== null) await onFailure?.();
        await sleep(50);
      }
    },
    transcript: () =>
      history.map(({ title, process }) => `--- ${title}\n${process.output().slice(-3_000)}`).join('\n'),
    async close() {
      closing = true;
      await Promise.all(
        history.map(({ process }) => {
          if (process.child.exitCode === null && process.child.signalCode === null) {
            process.child.kill('SIGKILL');
          }
          return process.done;
        }),
      );
    },
  };
}

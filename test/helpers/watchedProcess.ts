/** A service of a test as a child process that never outlives the test, in whatever way the test ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface WatchedProcess {
  /** What it last printed. */
  output(): string;
  readonly ended: boolean;
  /** kill -9. */
  stop(): Promise<void>;
}

export function startWatched(program: string, args: readonly string[]): WatchedProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000);
    });
  }
  child.on('error', (error) => {
    output += error.message;
  });
  const watchdog = watch(child);
  const isEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  return {
    output: () => output,
    get ended() {
      return isEnded();
    },
    async stop() {
      if (!isEnded()) {
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      watchdog?.kill('SIGKILL');
    },
  };
}

/** Waits for the end of its standard input, which is the end of this process. */
function watch({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined) return undefined;
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  return watchdog;
}

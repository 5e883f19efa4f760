/** The real command line, as its own process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endWithOwner } from '../../../src/shared/machine/endWithOwner.ts';
import { measuredEnvironment } from '../../../src/shared/machine/measuredEnvironment.ts';
import { packageRoot } from '../../../src/shared/package.ts';

export interface PosecastProcess {
  readonly child: ChildProcess;
  /** By `Date.now()`. */
  readonly startedAt: number;
  /** Resolves with what it wrote to standard output. Rejects with its standard error when it fails. */
  readonly done: Promise<string>;
}

export interface PosecastProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The only core that it may run on (Linux). */
  readonly core?: number | undefined;
}

export function startPosecast(
  args: readonly string[],
  { env = {}, core }: PosecastProcessOptions = {},
): PosecastProcess {
  const startedAt = Date.now();
  const pinned = core === undefined ? [] : ['taskset', '--cpu-list', String(core)];
  const [file, ...words] = [...pinned, process.execPath, join(packageRoot, 'bin', 'posecast.js'), ...args];
  const child = endWithOwner(
    spawn(file!, words, {
      detached: true,
      env: { ...measuredEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code === 0) return text.stdout;
    throw new Error(`posecast ${args.join(' ')} ended with ${code ?? signal}: ${text.stderr.slice(-1_000)}`);
  });
  // Whoever waits for something else first hears of it all the same.
  ended.catch(() => {});
  return { child, startedAt, done: ended };
}

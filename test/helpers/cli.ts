/** Runs the real command line as a child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface CliProcess {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  output(): string;
  readonly done: Promise<CliResult>;
}

/**
 * Starts `posecast ARGS…`. REDIS_URL is passed on only when given here.
 * @param through a command that becomes the one given as its further arguments, such as `nice -n 10`.
 */
export function startPosecast(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  through: readonly string[] = [],
): CliProcess {
  const { REDIS_URL: _, ...inherited } = process.env;
  const started = performance.now();
  const [program = process.execPath, ...programArgs] = [
    ...through,
    process.execPath,
    join(packageRoot, 'bin', 'posecast.js'),
    ...args,
  ];
  const child = spawn(program, programArgs, {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code, stdout, stderr, seconds: (performance.now() - started) / 1000 }),
    );
  });
  return { child, output: () => stdout + stderr, done };
}

/** Runs `posecast ARGS…` to its end. */
export function posecast(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return startPosecast(args, env).done;
}

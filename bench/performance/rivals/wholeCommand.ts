/** A command measured from outside: how long until its work is done, and the memory of all that it started. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endWithOwner } from '../../../src/shared/machine/endWithOwner.ts';
import { measuredEnvironment } from '../../../src/shared/machine/measuredEnvironment.ts';
import { treeMemory } from './processTree.ts';

export interface WholeCommand {
  /** From its start until the table is there: the line that says so, else its end. */
  readonly seconds: number;
  /** The highest of the samples, in bytes. */
  readonly peakMemory: number;
  /** What it printed, parsed. */
  readonly lines: readonly unknown[];
}

/** Looking costs the machine too, so it is done seldom. */
const SAMPLE_MS = 1000;

/** Every line that the command prints is JSON. Rejects when it fails, with the end of what it complained about. */
export async function measureCommand(
  [program, ...args]: readonly [string, ...string[]],
  isDone: (line: unknown) => boolean,
  env: NodeJS.ProcessEnv = process.env,
): Promise<WholeCommand> {
  const start = performance.now();
  const child = endWithOwner(
    spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: measuredEnvironment(env),
    }),
  );
  const ended = once(child, 'close');
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2_000);
  });

  const sampling = new AbortController();
  const peak = samplePeak(child.pid ?? 0, sampling.signal);
  const lines: unknown[] = [];
  let done: number | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line: unknown = JSON.parse(text);
    lines.push(line);
    if (done === undefined && isDone(line)) {
      done = performance.now();
      sampling.abort();
    }
  }
  const [code, signal] = await ended;
  done ??= performance.now();
  sampling.abort();
  if (code !== 0) throw new Error(`${program} ${args[0] ?? ''} ended with ${code ?? signal}: ${complaints}`);
  return { seconds: (done - start) / 1000, peakMemory: await peak, lines };
}

async function samplePeak(pid: number, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    peak = Math.max(peak, await treeMemory(pid));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  return peak;
}

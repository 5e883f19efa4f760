/** Waiting in tests for what a process does. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CliProcess } from './cli.ts';

/** Throws with everything the process has printed when it ends, or two minutes pass, before it is so. */
export async function until(
  what: string,
  process: CliProcess,
  met: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await met())) {
    const { exitCode, signalCode } = process.child;
    if (exitCode !== null || signalCode !== null || Date.now() > deadline) {
      throw new Error(`${what} did not happen: ${process.output()}`);
    }
    await sleep(20);
  }
}

export async function commits(out: string): Promise<number> {
  return (await readdir(join(out, 'commits')).catch(() => [])).length;
}

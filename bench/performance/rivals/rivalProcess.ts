/**
 * A rival's program that is kept open: it says when it is ready and then answers every line with a round, so that
 * loading counts for nobody and rounds can alternate with posecast's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { endWithOwner } from '../../../src/shared/machine/endWithOwner.ts';

export interface RivalProcess<Round> {
  /** Names and versions of what computes. */
  readonly versions: Readonly<Record<string, string>>;
  round(): Promise<Round>;
  close(): Promise<void>;
}

const readySchema = z.object({ ready: z.record(z.string(), z.string()) });

/** Starts it. Rejects when it ends early, with its exit code; its complaints go to the terminal. */
export async function openRival<Round>(
  command: readonly [string, ...string[]],
  roundSchema: z.ZodType<Round>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RivalProcess<Round>> {
  const [program, ...args] = command;
  const child = endWithOwner(
    spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env }),
  );
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => {
    const line = await lines.next();
    if (!line.done) return JSON.parse(line.value);
    const [code, signal] = await ended;
    throw new Error(`${program} ${args[0] ?? ''} ended early [code=${code ?? signal}]`);
  };
  const { ready: versions } = readySchema.parse(await read());
  return {
    versions,
    async round() {
      child.stdin.write('round\n');
      return roundSchema.parse(await read());
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** `--on-finish`: a command of the user's own at the end of a run, which is told how it ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../shared/errors.ts';
import { hasLostReader } from './output/lostReaders.ts';
import { openStopSignal } from './signals.ts';

/** A command that hangs must not keep a machine for ever. */
const LIMIT_MS = 10 * 60_000;

export interface OnFinishOptions {
  readonly say: (line: string) => void;
  /** Only for tests. */
  readonly limitMs?: number;
}

/**
 * Runs the command with `sh -c`: the summary is one JSON object on its standard input and in the file that
 * `POSECAST_SUMMARY` names, which is removed afterwards. What it prints goes to standard error. However it ends, the
 * run is what it is: a failure is said and nothing else.
 */
export async function runOnFinish(
  command: string,
  summary: Readonly<Record<string, unknown>>,
  { say, limitMs = LIMIT_MS }: OnFinishOptions,
): Promise<void> {
  const text = `${JSON.stringify(summary)}\n`;
  const folder = await mkdtemp(join(tmpdir(), 'posecast-finish-')).catch(() => undefined);
  try {
    const env = { ...process.env, POSECAST_SUMMARY: await summaryFile(folder, text, say) };
    const how = await carryOut(command, text, env, limitMs);
    if (how !== undefined) say(`--on-finish: the command ${how}; the run is what it was without it`);
  } catch (error) {
    say(`--on-finish: the command could not be started (${describeError(error)})`);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Undefined where there is no room for one, such as on a full disk, of which a command may be there to tell. */
async function summaryFile(
  folder: string | undefined,
  text: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  try {
    if (folder === undefined) throw new Error(`no folder can be made in ${tmpdir()}`);
    const file = join(folder, 'summary.json');
    await writeFile(file, text);
    return file;
  } catch (error) {
    say(`--on-finish: the summary is on standard input alone (${describeError(error)})`);
    return undefined;
  }
}

/** How the command failed; undefined when it did not. */
async function carryOut(
  command: string,
  text: string,
  env: NodeJS.ProcessEnv,
  limitMs: number,
): Promise<string | undefined> {
  // Writing where nobody reads would end it.
  const output = hasLostReader(process.stderr) ? 'ignore' : process.stderr;
  // A process group of its own, so that it can be ended together with whatever it started.
  const child = spawn('/bin/sh', ['-c', command], { env, detached: true, stdio: ['pipe', output, output] });
  const end = () => endGroup(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limitMs);
  // A terminal that goes is no reason to end the command: it may be why the run has ended.
  const stop = openStopSignal((name) => {
    if (name !== 'SIGHUP') end();
  });
  process.once('exit', end);
  try {
    // A command that does not read its input closes it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(text);
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (...how) => resolve(how));
    });
    if (late) return `was ended after ${limitMs / 1000} s`;
    if (signal !== null) return `was ended by ${signal}`;
    return code === 0 ? undefined : `ended with code ${code}`;
  } finally {
    clearTimeout(timer);
    stop.close();
    process.off('exit', end);
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

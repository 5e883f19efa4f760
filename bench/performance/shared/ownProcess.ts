/** Runs a part of a bench in a process of its own, whose memory and start count for nothing else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { endWithOwner } from '../../../src/shared/machine/endWithOwner.ts';

/** What a part that ran in its own process prints at its end: one JSON value on the last line. */
export async function inOwnProcess<T>(file: URL, request: unknown): Promise<T> {
  const child = endWithOwner(
    spawn(process.execPath, ['--enable-source-maps', file.pathname, JSON.stringify(request)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const closed = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code, signal] = await closed;
  if (code !== 0) throw new Error(`${file.pathname} ended with ${code ?? signal}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as T;
}

/** Inside such a process: what was asked. */
export function requestOf<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T;
}

/** The highest resident memory of this process so far, in MB (10⁶ bytes). */
export async function peakMegabytes(): Promise<number> {
  // By the kernel; the runtime's own figure elsewhere than on Linux.
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
  return (Number(kilobytes ?? process.resourceUsage().maxRSS) * 1024) / 1e6;
}

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Milliseconds of training so far, across interruptions: noted in a file every time it is read. */
export async function openSpentTime(path: string, clock: () => number): Promise<() => number> {
  const before = Number(await readFile(path, 'utf8').catch(() => '0')) || 0;
  const start = clock();
  return () => {
    const spent = before + clock() - start;
    writeFileSync(path, String(spent));
    return spent;
  };
}

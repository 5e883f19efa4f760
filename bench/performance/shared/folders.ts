/** Where benches put their files. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../../src/cli/exit.ts';
import { endChildren } from '../../../src/shared/machine/endWithOwner.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const folders = new Set<string>();
let stopping: Promise<never> | undefined;

/**
 * A folder that is removed at the end, and when a signal ends the bench: after the children that were given to
 * `endWithOwner`.
 *
 * @param kind `memory`: files in memory where there is such a folder, for what is not about the disk.
 */
export async function withFolder<T>(
  kind: 'disk' | 'memory',
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const base = kind === 'memory' && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = await mkdtemp(join(base, 'posecast-bench-'));
  if (folders.size === 0) for (const name of SIGNALS) process.on(name, stop);
  folders.add(folder);
  try {
    return await body(folder);
  } finally {
    // Its children have been ended: that it failed is no news.
    await stopping;
    await remove(folder);
    folders.delete(folder);
    if (folders.size === 0) for (const name of SIGNALS) process.off(name, stop);
  }
}

function stop(): void {
  stopping ??= endChildren()
    .then(() => Promise.all([...folders].map(remove)))
    .then(() => process.exit(EXIT.interrupted));
}

function remove(folder: string): Promise<void> {
  // A server that has just ended may still be seen writing.
  return rm(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** Where benches put their files. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `memory`: files in memory where there is such a folder, for what is not about the disk. */
export async function withFolder<T>(
  kind: 'disk' | 'memory',
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const base = kind === 'memory' && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = await mkdtemp(join(base, 'posecast-bench-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A disk of a stated size that can become larger or read-only: a tmpfs, where the test may mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SmallDisk {
  readonly path: string;
  /** Mount options, such as `size=9m`. Waits while the disk is busy. */
  remount(options: string): Promise<void>;
}

export async function withSmallDisk<T>(size: string, run: (disk: SmallDisk) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'posecast-disk-'));
  mustMount(['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  try {
    return await run({
      path,
      async remount(options) {
        // A file that is being written keeps a disk from becoming read-only.
        for (let tries = 0; !mount(['-o', `remount,${options}`, path]); tries++) {
          if (tries > 2_000) throw new Error(`the disk stays busy [options=${options}]`);
          await sleep(5);
        }
      },
    });
  } finally {
    spawnSync('umount', ['-l', path]);
    await rmdir(path);
  }
}

/** Why tests with a disk of their own are skipped, or false. */
export async function noSmallDisk(): Promise<string | false> {
  try {
    await withSmallDisk('64k', async () => undefined);
    return false;
  } catch {
    return 'mounting a tmpfs is not allowed here';
  }
}

function mount(args: readonly string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

function mustMount(args: readonly string[]): void {
  if (!mount(args)) throw new Error(`mount ${args.join(' ')} failed`);
}

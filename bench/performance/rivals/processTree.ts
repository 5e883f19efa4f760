/** Memory of a process and all that it started (Linux). */
import { readdir, readFile } from 'node:fs/promises';

/**
 * Resident memory of a process and its descendants now, in bytes. Pages that several of them share count once: the
 * proportional set size of each.
 */
export async function treeMemory(root: number): Promise<number> {
  const sizes = await Promise.all((await processTree(root)).map(proportionalSize));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function processTree(root: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const children = new Map<number, number[]>();
  await Promise.all(
    all.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // pid (name, which may hold anything) state parent …
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    }),
  );
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** 0 of a process that has just ended. */
async function proportionalSize(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

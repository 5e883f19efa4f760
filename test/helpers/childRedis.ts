/** The Redis that a posecast process has started for itself. */
import { readdir, readFile } from 'node:fs/promises';

/** Process id of the redis-server that is a child of this process; undefined when it has none. */
export async function childRedis(pid: number): Promise<number | undefined> {
  for (const child of await childrenOf(pid)) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('redis-server')) return child;
  }
  return undefined;
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

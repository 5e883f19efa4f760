/** The cores that processes can be held to, by `taskset` (util-linux). */
import { spawnSync } from 'node:child_process';

/** Those that this process may run on, the lowest first; none where there is no `taskset`. */
export function allowedCores(): number[] {
  const { status, stdout } = spawnSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' });
  // pid 42's current affinity list: 0-3,8
  return status === 0 ? coresOfList(stdout.slice(stdout.lastIndexOf(':') + 1)) : [];
}

/** As the kernel writes them: '0-3,8' → 0, 1, 2, 3, 8. */
export function coresOfList(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

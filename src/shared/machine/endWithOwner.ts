/** Child processes that never outlive this one, kill -9 included. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** From SIGTERM to SIGKILL, in `endChildren`. */
const END_MS = 10_000;

/** Those that live, in the order of their start. */
const children = new Set<ChildProcess>();

/** A watchdog ends the child with SIGTERM when this process is gone: the end of its standard input is the end of us. */
export function endWithOwner<Child extends ChildProcess>(child: Child): Child {
  if (child.pid === undefined) return child;
  // A group of its own: what is sent to ours, from a terminal or by a kill of all of it, leaves it alone.
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$0"', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  children.add(child);
  child.on('exit', () => {
    children.delete(child);
    watchdog.kill('SIGKILL');
  });
  return child;
}

/**
 * Ends all of them, the latest first: what a child needs, such as a Redis, was there before it. Resolves when they are
 * gone.
 */
export async function endChildren(): Promise<void> {
  for (const child of [...children].reverse()) {
    if (!children.has(child)) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await gone;
    clearTimeout(timer);
  }
}

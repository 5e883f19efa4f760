/** Child processes that never outlive this one, kill -9 included. */
import { type ChildProcess, spawn } from 'node:child_process';

/** A watchdog ends the child with SIGTERM when this process is gone: the end of its standard input is the end of us. */
export function endWithOwner<Child extends ChildProcess>(child: Child): Child {
  if (child.pid === undefined) return child;
  // A group of its own: what is sent to ours, from a terminal or by a kill of all of it, leaves it alone.
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$0"', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  child.on('exit', () => watchdog.kill('SIGKILL'));
  return child;
}

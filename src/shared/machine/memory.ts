/** Memory that this process may use. */
import { totalmem } from 'node:os';

/** That of the machine, and no more than its container's limit, in bytes. */
export function usableMemory(): number {
  // Without a limit it is 0, or so large that it says nothing.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

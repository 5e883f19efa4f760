/** Where a process number means what it means here. */
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * This machine and, on Linux, this container: folders may be shared with others, whose processes are not to be seen
 * here.
 */
export function pidSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

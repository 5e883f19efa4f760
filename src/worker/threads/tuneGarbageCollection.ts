/** How V8 collects garbage in a process with model threads: the figures are in docs/decisions/cpu-speed.md. */
import { setFlagsFromString } from 'node:v8';

/** Call before the threads are started. Asked for again, nothing changes. */
export function tuneGarbageCollection(): void {
  // For freeBytes. Standard since Node 22; in Node 20 only threads that start after this have it.
  if (!('transfer' in ArrayBuffer.prototype)) setFlagsFromString('--harmony-rab-gsab-transfer');
  // A heap is collected in full when it has grown to four times what the last collection left: the most that V8's own
  // rule gives. That goes down to 1.1 where much is new, as pixels are, and a model thread's 8 MB are then gone through
  // every dozen photographs.
  setFlagsFromString('--heap-growing-percent=300');
}

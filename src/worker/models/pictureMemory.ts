import { freeBytes } from './freeBytes.ts';

/**
 * Memory for the pictures that are in work together, laid out one behind the other and used again for the next ones.
 * New memory for each costs page faults, and more than some 16 MB of it at a time has V8 go through the whole heap
 * (docs/decisions/cpu-speed.md).
 */
export interface PictureMemory {
  /** So many bytes, whatever was in them before; new memory where the capacity is used up. */
  take(bytes: number): Uint8Array;
  /** Gives everything back: what was taken is overwritten by what is taken next, so nobody may look at it any more. */
  clear(): void;
}

/** Pages that were never taken are not in memory, whatever the capacity (bytes). */
export function openPictureMemory(capacity: number): PictureMemory {
  const buffer = new ArrayBuffer(capacity);
  let used = 0;
  let beyond: Uint8Array[] = [];
  return {
    take(bytes) {
      if (used + bytes > capacity) {
        const extra = new Uint8Array(bytes);
        beyond.push(extra);
        return extra;
      }
      const taken = new Uint8Array(buffer, used, bytes);
      used = Math.ceil((used + bytes) / CACHE_LINE) * CACHE_LINE;
      return taken;
    },
    clear() {
      used = 0;
      beyond.forEach(freeBytes);
      beyond = [];
    },
  };
}

const CACHE_LINE = 64;

/** Copies pixels that somebody else has made into a picture memory, and gives their own back. */
export function moveInto(memory: PictureMemory, pixels: Uint8Array): Uint8Array {
  const moved = memory.take(pixels.length);
  moved.set(pixels);
  freeBytes(pixels);
  return moved;
}

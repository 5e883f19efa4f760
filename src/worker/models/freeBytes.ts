/**
 * Frees the memory of bytes that nobody looks at any more, without waiting for a collection: what has lived through a
 * batch is old to V8, and only goes when it collects a whole heap. Memory that they share with something else stays,
 * and where ArrayBuffer has no `transfer` (tuneGarbageCollection.ts) all is left to the collector.
 */
export function freeBytes(bytes: Uint8Array): void {
  const buffer = bytes.buffer as TransferableBuffer;
  if (bytes.byteLength === buffer.byteLength) buffer.transfer?.(0);
}

/** Of ES2024: moves the contents, as far as there is room, to a new buffer and leaves none in this. */
interface TransferableBuffer extends ArrayBuffer {
  transfer?(newByteLength: number): ArrayBuffer;
}

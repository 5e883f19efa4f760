/**
 * Which texts occur twice among more than memory holds. Each is kept as a 64-bit hash in one of 256 buckets, which
 * move to temporary files when they grow; equal hashes are candidates, to be confirmed by looking at the texts again.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BUCKETS = 256;
/** Hashes held in memory, 8 bytes each. */
const MAX_IN_MEMORY = 4 * 2 ** 20;

export class DuplicateIds {
  private readonly buckets: number[][] = Array.from({ length: BUCKETS }, () => []);
  private readonly maxInMemory: number;
  private inMemory = 0;
  private folder: string | undefined;

  constructor(maxInMemory = MAX_IN_MEMORY) {
    this.maxInMemory = maxInMemory;
  }

  add(id: string): void {
    const [high, low] = hash64(id);
    this.buckets[high >>> 24]?.push(high, low);
    this.inMemory++;
  }

  /** Call now and then between adds: moves the buckets to disk when they are full. */
  async settle(): Promise<void> {
    if (this.inMemory < this.maxInMemory) return;
    this.folder ??= await mkdtemp(join(tmpdir(), 'posecast-verify-'));
    for (const [i, bucket] of this.buckets.entries()) {
      await appendFile(join(this.folder, String(i)), new Uint8Array(Uint32Array.from(bucket).buffer));
      bucket.length = 0;
    }
    this.inMemory = 0;
  }

  /** Hashes, as `hashText` gives them, that occur more than once. */
  async candidates(): Promise<Set<bigint>> {
    const found = new Set<bigint>();
    for (const [i, bucket] of this.buckets.entries()) {
      const spilled = this.folder === undefined ? [] : toWords(await readFile(join(this.folder, String(i))));
      const words = new Uint32Array(spilled.length + bucket.length);
      words.set(spilled);
      words.set(bucket, spilled.length);
      const hashes = new BigUint64Array(words.buffer).sort();
      for (let j = 1; j < hashes.length; j++) {
        if (hashes[j] === hashes[j - 1]) found.add(hashes[j] as bigint);
      }
    }
    return found;
  }

  async close(): Promise<void> {
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }
}

/** The hash of a text as `candidates` lists it. */
export function hashText(id: string): bigint {
  return new BigUint64Array(Uint32Array.from(hash64(id)).buffer)[0] as bigint;
}

/** cyrb53's mixing with both halves kept whole: 64 bits, public domain (bryc). */
function hash64(text: string): [number, number] {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return [a >>> 0, b >>> 0];
}

function toWords(bytes: Buffer): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

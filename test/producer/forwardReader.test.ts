import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { openForwardReader } from '../../src/producer/readers/forwardReader.ts';
import type { SourceFile } from '../../src/shared/corpus/corpusSource.ts';

const never = new AbortController().signal;
const MB = 2 ** 20;

interface FarFile extends SourceFile {
  readonly reads: { readonly start: number; readonly end: number }[];
  /** Reads under way at most. */
  readonly most: { inFlight: number };
  readonly aborted: number[];
}

/** A file whose bytes say where they lie, and whose reads take their time. */
function farFile(bytes: number, delayMs = 0, far = true): FarFile {
  const reads: FarFile['reads'] = [];
  const most = { inFlight: 0 };
  const aborted: number[] = [];
  let inFlight = 0;
  const content = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) content[i] = byteAt(i);
  return {
    uri: 'a.tar',
    bytes,
    far,
    reads,
    most,
    aborted,
    async read(range, signal) {
      reads.push(range);
      most.inFlight = Math.max(most.inFlight, ++inFlight);
      try {
        if (delayMs > 0) await sleep(delayMs, undefined, { signal });
        return content.slice(range.start, range.end);
      } catch (error) {
        aborted.push(range.start);
        throw error;
      } finally {
        inFlight--;
      }
    },
    close: async () => {},
  };
}

const byteAt = (place: number) => (place * 31 + (place >> 8)) & 0xff;

test('whatever is read in whatever order, the bytes are those of the object', () =>
  fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 100_000 })), {
        maxLength: 20,
      }),
      async (far, places) => {
        const file = farFile(300_000, 0, far);
        const reader = openForwardReader(file, never);
        for (const [place, length] of places) {
          const offset = Math.floor(place * (file.bytes - Math.min(length, file.bytes)));
          const bytes = await reader.read(offset, length);
          assert.equal(bytes.length, length);
          for (let i = 0; i < length; i += 997) assert.equal(bytes[i], byteAt(offset + i));
        }
      },
    ),
    { numRuns: 30 },
  ));

/** Heads of members every `stride` bytes, as a listing reads them. */
async function walk(file: FarFile, stride: number, most = Number.POSITIVE_INFINITY): Promise<void> {
  const reader = openForwardReader(file, never);
  let members = 0;
  for (let at = 0; at + 512 <= file.bytes && members < most; at += stride, members++) {
    const head = await reader.read(at, 512);
    assert.equal(head[511], byteAt(at + 511));
  }
}

test('of an object far away three windows are under way at a time, and every byte is asked for once', async () => {
  const file = farFile(40 * MB, 20);
  await walk(file, 10_240);
  assert.equal(file.most.inFlight, 3);
  const asked = file.reads.reduce((sum, { start, end }) => sum + end - start, 0);
  assert.ok(asked <= file.bytes + MB, `${asked} bytes`);
  assert.ok(file.reads.every(({ start, end }) => end - start <= 4 * MB));
  assert.deepEqual(file.aborted, []);
});

test('a short look, pieces that lie far apart, and a disk are not read ahead', async () => {
  for (const [file, stride, members] of [
    [farFile(40 * MB, 1), 10_240, 300],
    [farFile(40 * MB, 1), 2 * MB, Number.POSITIVE_INFINITY],
    [farFile(4 * MB, 1, false), 1_024, Number.POSITIVE_INFINITY],
  ] as const) {
    await walk(file, stride, members);
    assert.equal(file.most.inFlight, 1);
  }
});

test('what was asked for ahead is given up when the reader goes elsewhere, and its failure is nobody’s', async () => {
  const file = farFile(40 * MB, 20);
  const reader = openForwardReader(file, never);
  for (let at = 0; at < 9 * MB; at += 10_240) await reader.read(at, 512);
  await reader.read(39 * MB, 512);
  assert.ok(file.aborted.length > 0);
  await sleep(30);
});

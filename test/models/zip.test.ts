import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readZipMember } from '../../src/models/zip.ts';
import { IntegrityError } from '../../src/shared/errors.ts';
import { buildZip } from './zipBuilder.ts';

async function withFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-zip-'));
  try {
    const path = join(folder, 'it.zip');
    await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a member is found by its path or its file name and comes out as it went in', async () => {
  const content = fc.uint8Array({ maxLength: 3000 });
  await fc.assert(
    fc.asyncProperty(content, content, fc.boolean(), async (first, second, stored) => {
      const zip = buildZip([
        { name: 'buffalo/', bytes: new Uint8Array(), stored: true },
        { name: 'buffalo/det.onnx', bytes: first },
        { name: 'buffalo/w600k_r50.onnx', bytes: second, stored },
      ]);
      await withFile(zip, async (path) => {
        assert.deepEqual(new Uint8Array(await readZipMember(path, 'w600k_r50.onnx')), new Uint8Array(second));
        assert.deepEqual(
          new Uint8Array(await readZipMember(path, 'buffalo/det.onnx')),
          new Uint8Array(first),
        );
      });
    }),
    { numRuns: 30 },
  );
});

test('a cut, altered or foreign zip file and a missing member are IntegrityErrors, never wrong bytes', async () => {
  const bytes = Uint8Array.from({ length: 500 }, (_, i) => (i * 31) % 251);
  const zip = buildZip([{ name: 'model.onnx', bytes }]);
  await withFile(zip, async (path) => {
    await assert.rejects(readZipMember(path, 'other.onnx'), { code: 'not-in-zip' });
  });
  await withFile(zip.subarray(0, zip.length - 40), async (path) => {
    await assert.rejects(readZipMember(path, 'model.onnx'), { code: 'bad-zip' });
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: zip.length - 10 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, by) => {
        const altered = Buffer.from(zip);
        altered[at] = (altered[at] ?? 0) ^ by;
        await withFile(altered, async (path) => {
          try {
            assert.deepEqual(new Uint8Array(await readZipMember(path, 'model.onnx')), bytes);
          } catch (error) {
            assert.ok(error instanceof IntegrityError, String(error));
          }
        });
      },
    ),
    { numRuns: 200 },
  );
});

import assert from 'node:assert/strict';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFlushed } from '../../../src/shared/store/writeFlushed.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const LARGE = new Uint8Array(25 * 2 ** 20).map((_, i) => i % 251);

/** The file, with some of its calls replaced; the body sees a file that behaves otherwise. */
function withFile(
  replace: (file: FileHandle) => Partial<FileHandle>,
  run: (file: FileHandle, path: string) => Promise<void>,
): Promise<void> {
  return withTempFolder(async (folder) => {
    const path = join(folder, 'file');
    const file = await open(path, 'wx');
    try {
      const replaced = replace(file);
      const other: FileHandle = new Proxy(file, {
        get: (real, name) => {
          const value = Reflect.get(name in replaced ? replaced : real, name);
          return typeof value === 'function' && !(name in replaced) ? value.bind(real) : value;
        },
      });
      await run(other, path);
    } finally {
      await file.close();
    }
  });
}

test('the disk begins before the last byte is written, and what is written is the whole body', async () => {
  const calls: string[] = [];
  await withFile(
    (file) => ({
      datasync: () => {
        calls.push('begin');
        return file.datasync();
      },
      sync: () => {
        calls.push('flush');
        return file.sync();
      },
    }),
    async (file, path) => {
      await writeFlushed(file, [LARGE.subarray(0, 3), LARGE.subarray(3)]);
      assert.equal(Buffer.compare(await readFile(path), LARGE), 0);
    },
  );
  assert.ok(calls.filter((call) => call === 'begin').length >= 1, `${calls}`);
  assert.equal(calls.at(-1), 'flush');
});

test('a flush that fails on the way fails the write, also when the last one succeeds', () =>
  withFile(
    () => ({ datasync: () => Promise.reject(Object.assign(new Error('broken disk'), { code: 'EIO' })) }),
    (file) => assert.rejects(writeFlushed(file, LARGE), { code: 'EIO' }),
  ));

test('a system that takes fewer bytes than it is given is given the rest', () =>
  withFile(
    (file) => ({
      write: ((bytes: Uint8Array, at: number) =>
        file.write(bytes, at, Math.ceil((bytes.length - at) / 2))) as FileHandle['write'],
    }),
    async (file, path) => {
      await writeFlushed(file, LARGE.subarray(0, 100_000));
      assert.equal(Buffer.compare(await readFile(path), LARGE.subarray(0, 100_000)), 0);
    },
  ));

test('a write that is stopped in the middle ends with the reason, and no flush is left behind', async () => {
  const stop = new AbortController();
  let flushing = 0;
  await withFile(
    (file) => ({
      datasync: async () => {
        flushing++;
        stop.abort(new Error('enough'));
        await file.datasync();
        flushing--;
      },
    }),
    async (file) => {
      await assert.rejects(writeFlushed(file, LARGE, stop.signal), /enough/);
      assert.equal(flushing, 0);
    },
  );
});

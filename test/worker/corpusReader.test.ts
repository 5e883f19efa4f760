import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readImage } from '../../src/worker/corpusReader.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'posecast-corpus-'));
  await mkdir(join(root, 'corpus', 'anna'), { recursive: true });
  await writeFile(join(root, 'corpus', 'anna', '1.jpg'), 'picture');
  await writeFile(join(root, 'secret.txt'), 'secret');
});
after(() => rm(root, { recursive: true }));

const never = new AbortController().signal;
const read = (uri: string) => readImage(join(root, 'corpus'), uri, never);

test('a listed photograph is read whole', async () => {
  const outcome = await read('anna/1.jpg');
  assert.equal(outcome.status, 'ok');
  assert.equal(outcome.status === 'ok' && new TextDecoder().decode(outcome.bytes), 'picture');
});

for (const [uri, code] of [
  ['anna/2.jpg', 'missing'],
  ['anna', 'not-a-file'],
  ['../secret.txt', 'outside-corpus'],
  ['anna/../../secret.txt', 'outside-corpus'],
  ['/etc/passwd', 'outside-corpus'],
  ['anna/\0', 'outside-corpus'],
  [`anna/${'x'.repeat(300)}`, 'unreadable'],
] as const) {
  test(`reading ${JSON.stringify(uri.slice(0, 30))} is a rejection with code ${code}`, async () => {
    const outcome = await read(uri);
    assert.equal(outcome.status === 'rejected' && outcome.rejection.code, code);
    assert.equal(outcome.status === 'rejected' && outcome.rejection.stage, 'read');
  });
}

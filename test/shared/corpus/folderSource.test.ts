import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ImageLocation, readImage } from '../../../src/shared/corpus/corpusSource.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import { openCorpusSource } from '../../../src/shared/corpus/openCorpusSource.ts';
import { asOrdinaryUser } from '../../helpers/ordinaryUser.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'posecast-corpus-'));
  await mkdir(join(root, 'corpus', 'anna'), { recursive: true });
  await writeFile(join(root, 'corpus', 'anna', '1.jpg'), 'picture');
  await writeFile(join(root, 'secret.txt'), 'secret');
});
after(() => rm(root, { recursive: true }));

const never = new AbortController().signal;
const readAt = (location: ImageLocation) => readImage(folderSource(join(root, 'corpus')), location, never);
const read = (uri: string) => readAt({ uri });

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

test('a photograph that there is no room for is not read; a range is as long as was asked', async () => {
  const asked: number[] = [];
  const noRoom = (bytes: number) => {
    asked.push(bytes);
    return false;
  };
  const source = folderSource(join(root, 'corpus'));
  const outcome = await readImage(source, { uri: 'anna/1.jpg' }, never, noRoom);
  assert.equal(outcome.status === 'rejected' && outcome.rejection.code, 'no-room');
  assert.equal((await readImage(source, { uri: 'anna/1.jpg' }, never, () => true)).status, 'ok');
  const range = { uri: 'anna/1.jpg', offset: 2, bytes: 3 };
  assert.equal((await readImage(source, range, never, noRoom)).status, 'ok');
  assert.deepEqual(asked, [7]);
});

test('a range is read exactly, and nothing around it', async () => {
  const outcome = await readAt({ uri: 'anna/1.jpg', offset: 2, bytes: 3 });
  assert.equal(outcome.status === 'ok' && new TextDecoder().decode(outcome.bytes), 'ctu');
  assert.equal(outcome.status === 'ok' && outcome.bytes.buffer.byteLength, 3);
});

test('a range that ends behind its file is a rejection with the size found', async () => {
  const outcome = await readAt({ uri: 'anna/1.jpg', offset: 2, bytes: 6 });
  assert.equal(outcome.status === 'rejected' && outcome.rejection.code, 'beyond-end');
  assert.match(outcome.status === 'rejected' ? outcome.rejection.message : '', /2–8.*7 bytes/);
});

test('a range larger than a photograph may be is not read', async () => {
  const outcome = await readAt({ uri: 'anna/1.jpg', offset: 0, bytes: 2 ** 40 });
  assert.equal(outcome.status === 'rejected' && outcome.rejection.code, 'too-many-bytes');
});

test('a folder that this user may not go into, or not list, is a configuration error', () =>
  withTempFolder(async (folder) => {
    const refused = { name: 'ConfigError', code: 'not-readable' };
    const open = () => openCorpusSource(folder);
    await chmod(folder, 0o311);
    await asOrdinaryUser(async () => assert.rejects((await open()).fileNames(never), refused));
    await chmod(folder, 0o000);
    await asOrdinaryUser(() => assert.rejects(open(), refused));
    await chmod(folder, 0o700);
  }));

import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openFolderCorpus } from '../../src/producer/readers/folder.ts';
import { compareFaces } from '../../src/shared/listing/listingOrder.ts';
import { asOrdinaryUser } from '../helpers/ordinaryUser.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect, writeFiles } from './corpusFiles.ts';

async function read(root: string) {
  const corpus = await openFolderCorpus(root);
  const faces = await collect(corpus.faces());
  const ignored = Object.fromEntries(
    [...corpus.ignored.reasons()].map(([reason, { examples }]) => [reason, [...examples].sort()]),
  );
  return { faces, ignored };
}

test('a face is named by its path, its subject by the first folder', () =>
  withTempFolder(async (root) => {
    await writeFiles(root, { 'anna/1.jpg': 'abc', 'anna/trip/2.JPEG': 'de', 'bert/x.pgm': '' });
    const { faces, ignored } = await read(root);
    assert.deepEqual(faces, [
      { faceId: 'anna/1.jpg', subjectId: 'anna', uri: 'anna/1.jpg', bytes: 3 },
      { faceId: 'anna/trip/2.JPEG', subjectId: 'anna', uri: 'anna/trip/2.JPEG', bytes: 2 },
      { faceId: 'bert/x.pgm', subjectId: 'bert', uri: 'bert/x.pgm', bytes: 0 },
    ]);
    assert.deepEqual(ignored, {});
  }));

test('faces come sorted by the bytes of subject and path', async () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'B', '-', '0', ' ', 'é', '～', '😀'),
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, name, name), { maxLength: 12, selector: String }),
      (paths) =>
        withTempFolder(async (root) => {
          await writeFiles(root, Object.fromEntries(paths.map(([s, d, f]) => [`${s}/${d}/${f}.png`, 'x'])));
          const { faces } = await read(root);
          assert.equal(faces.length, paths.length);
          assert.deepEqual(faces, [...faces].sort(compareFaces));
        }),
    ),
    { numRuns: 25 },
  );
});

test('what is not an image of a person is counted, not lost', () =>
  withTempFolder(async (root) => {
    await writeFiles(root, {
      'readme.txt': '',
      'group.jpg': '',
      'anna/1.jpg': '',
      'anna/notes.txt': '',
      'anna/.thumb.jpg': '',
      'empty/notes.md': '',
      '.git/config': '',
    });
    const { faces, ignored } = await read(root);
    assert.deepEqual(
      faces.map(({ faceId }) => faceId),
      ['anna/1.jpg'],
    );
    assert.deepEqual(ignored, {
      hidden: ['.git', 'anna/.thumb.jpg'],
      'not in the folder of a person': ['group.jpg', 'readme.txt'],
      'not an image by its extension': ['anna/notes.txt', 'empty/notes.md'],
      'a person without an image': ['empty'],
    });
  }));

test('what is passed over is said in the order of the people, however many are looked into at once', () =>
  withTempFolder(async (root) => {
    const people = Array.from({ length: 40 }, (_, i) => `p${String(i).padStart(2, '0')}`);
    // The first are done last: their folders lie in one another.
    const notes = people.map((person, i) => `${person}/${'deeper/'.repeat(Math.max(0, 10 - i))}notes.txt`);
    await writeFiles(root, Object.fromEntries(notes.map((path) => [path, ''])));
    const corpus = await openFolderCorpus(root);
    await collect(corpus.faces());
    assert.deepEqual(Object.fromEntries(corpus.ignored.reasons()), {
      'not an image by its extension': { count: 40, examples: notes.slice(0, 5) },
      'a person without an image': { count: 40, examples: people.slice(0, 5) },
    });
  }));

test('links out of the corpus, in circles and to nowhere are not followed; links inside are', () =>
  withTempFolder(async (outside) => {
    await writeFiles(outside, {
      'secret.jpg': 'secret',
      'corpus/anna/1.jpg': 'x',
      'corpus/bert/2.jpg': 'xy',
    });
    const root = join(outside, 'corpus');
    await symlink(join(outside, 'secret.jpg'), join(root, 'anna/secret.jpg'));
    await symlink(outside, join(root, 'anna/up'));
    await symlink(join(root, 'anna'), join(root, 'anna/self'));
    await symlink('nowhere.jpg', join(root, 'anna/dead.jpg'));
    await symlink(join(root, 'bert/2.jpg'), join(root, 'anna/inside.jpg'));
    const { faces, ignored } = await read(root);
    assert.deepEqual(
      faces.map(({ faceId, bytes }) => [faceId, bytes]),
      [
        ['anna/1.jpg', 1],
        ['anna/inside.jpg', 2],
        // Listed, so that it becomes a reject when it is read.
        ['anna/secret.jpg', 0],
        ['bert/2.jpg', 2],
      ],
    );
    assert.deepEqual(ignored, {
      'link out of the corpus (--follow-links goes there)': ['anna/up'],
      'link to a folder above it': ['anna/self'],
      'link: cannot be read (ENOENT)': ['anna/dead.jpg'],
    });
  }));

test('a folder that may not be read is reported once, the rest is listed', () =>
  withTempFolder(async (root) => {
    await writeFiles(root, { 'anna/1.jpg': 'x', 'bert/1.jpg': 'x' });
    await chmod(join(root, 'anna'), 0);
    await chmod(root, 0o755);
    const { faces, ignored } = await asOrdinaryUser(() => read(root));
    await chmod(join(root, 'anna'), 0o700);
    assert.deepEqual(
      faces.map(({ subjectId }) => subjectId),
      ['bert'],
    );
    assert.deepEqual(ignored, { 'cannot be read (EACCES)': ['anna'] });
  }));

test('a name that is not UTF-8 is reported', () =>
  withTempFolder(async (root) => {
    await mkdir(join(root, 'anna'));
    await writeFile(
      Buffer.concat([Buffer.from(join(root, 'anna', 'b')), Buffer.from([0xff]), Buffer.from('.jpg')]),
      'x',
    );
    const { faces, ignored } = await read(root);
    assert.deepEqual(faces, []);
    assert.equal(ignored['name is not valid UTF-8']?.length, 1);
  }));

test('a corpus that is missing or not a folder is refused', () =>
  withTempFolder(async (root) => {
    await writeFile(join(root, 'file'), '');
    const missing = { name: 'ConfigError', code: 'no-corpus' };
    await assert.rejects(openFolderCorpus(join(root, 'absent')), missing);
    await assert.rejects(openFolderCorpus(join(root, 'file')), missing);
  }));

test('a corpus that this user may not read is refused', () =>
  withTempFolder(async (root) => {
    await chmod(root, 0o000);
    const refused = { name: 'ConfigError', code: 'not-readable' };
    await asOrdinaryUser(() => assert.rejects(openFolderCorpus(root), refused));
    await chmod(root, 0o700);
  }));

test('an aborted listing stops', () =>
  withTempFolder(async (root) => {
    await writeFiles(root, { 'anna/1.jpg': 'x' });
    const corpus = await openFolderCorpus(root);
    await assert.rejects(collect(corpus.faces(AbortSignal.abort())), { name: 'AbortError' });
  }));

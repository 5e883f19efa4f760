/** Nothing outside the corpus is read and nothing outside OUT is touched, whatever names and links say. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { readImage } from '../../src/shared/corpus/corpusSource.ts';
import { folderSource } from '../../src/shared/corpus/folderSource.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast } from '../helpers/cli.ts';
import { readRun } from '../helpers/readRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { cases, forSeeds } from './cases.ts';
import { hostileName } from './names.ts';
import { assertClear, readOrRefuse } from './outcome.ts';

const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');
const never = new AbortController().signal;
const SECRET = 'the secret outside';

/** A corpus of one sound photograph, and a folder beside it that must not be seen. */
async function withCorpus(
  body: (places: { folder: string; corpus: string; outside: string }) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const [corpus, outside] = [join(folder, 'corpus'), join(folder, 'outside')];
    await mkdir(join(corpus, 'anna'), { recursive: true });
    await mkdir(outside);
    await copyFile(photograph, join(corpus, 'anna', 'good.jpg'));
    await copyFile(photograph, join(outside, 'other.jpg'));
    await writeFile(join(outside, 'secret.jpg'), SECRET);
    await body({ folder, corpus, outside });
  });
}

async function readCode(root: string, uri: string, followLinks = false): Promise<string> {
  const outcome = await readImage(folderSource(root, { followLinks }), { uri }, never);
  return outcome.status === 'ok' ? Buffer.from(outcome.bytes).toString('latin1') : outcome.rejection.code;
}

async function list(
  config: { corpus: string; corpusFormat: 'folder' | 'csv'; imageRoot: string },
  followLinks = false,
): Promise<{ faces: FaceRecord[]; ignored: string[] }> {
  const reader = await openCorpus({ ...config, followLinks });
  const faces: FaceRecord[] = [];
  for await (const face of reader.faces()) faces.push(face);
  return { faces, ignored: [...reader.ignored.reasons().keys()] };
}

test('a link inside the corpus is followed, one that leaves it is a rejection with a code of its own', () =>
  withCorpus(async ({ corpus, outside }) => {
    await symlink('good.jpg', join(corpus, 'anna', 'inside.jpg'));
    await symlink(join(outside, 'secret.jpg'), join(corpus, 'anna', 'leaves.jpg'));
    await symlink('../../outside', join(corpus, 'anna', 'folder'));
    assert.equal(await readCode(corpus, 'anna/inside.jpg'), (await readFile(photograph)).toString('latin1'));
    assert.equal(await readCode(corpus, 'anna/leaves.jpg'), 'link-outside-corpus');
    assert.equal(await readCode(corpus, 'anna/folder/secret.jpg'), 'link-outside-corpus');
    assert.equal(await readCode(corpus, 'anna/leaves.jpg', true), SECRET);
    assert.equal(await readCode(corpus, 'anna/folder/secret.jpg', true), SECRET);
  }));

test('a corpus that is itself a link is a corpus', () =>
  withCorpus(async ({ folder, corpus }) => {
    const link = join(folder, 'link');
    await symlink(corpus, link);
    assert.ok((await readCode(link, 'anna/good.jpg')).length > 1000);
    assert.equal((await list({ corpus: link, corpusFormat: 'folder', imageRoot: link })).faces.length, 1);
  }));

test('a pipe, a device or a folder in the place of a photograph is a rejection at once', () =>
  withCorpus(async ({ corpus }) => {
    execFileSync('mkfifo', [join(corpus, 'anna', 'pipe.jpg')]);
    await mkdir(join(corpus, 'anna', 'folder.jpg'));
    await symlink('/dev/zero', join(corpus, 'anna', 'zero.jpg'));
    await symlink('loop.jpg', join(corpus, 'anna', 'loop.jpg'));
    assert.equal(await readCode(corpus, 'anna/pipe.jpg'), 'not-a-file');
    assert.equal(await readCode(corpus, 'anna/folder.jpg'), 'not-a-file');
    assert.equal(await readCode(corpus, 'anna/zero.jpg', true), 'not-a-file');
    assert.equal(await readCode(corpus, 'anna/loop.jpg'), 'unreadable');
  }));

test('hostile names in a list never lead out of the corpus', () =>
  withCorpus(async ({ corpus }) => {
    await forSeeds('uri', cases(1_000, 10_000), async (seed) => {
      const found = await readCode(corpus, hostileName(seed));
      assert.ok(!found.includes(SECRET) && !found.includes('root:'), found.slice(0, 80));
    });
  }));

test('a folder reader lists links that leave the corpus, so that they become rejects, and walks no folder outside', () =>
  withCorpus(async ({ corpus, outside }) => {
    await symlink(join(outside, 'secret.jpg'), join(corpus, 'anna', 'leaves.jpg'));
    await symlink(outside, join(corpus, 'berta'));
    await symlink(corpus, join(corpus, 'anna', 'round'));
    execFileSync('mkfifo', [join(corpus, 'anna', 'pipe.jpg')]);
    const config = { corpus, corpusFormat: 'folder', imageRoot: corpus } as const;
    const { faces, ignored } = await list(config);
    assert.deepEqual(
      faces.map(({ uri, bytes }) => [uri, bytes > 0]),
      [
        ['anna/good.jpg', true],
        ['anna/leaves.jpg', false],
      ],
    );
    assert.deepEqual(ignored.sort(), [
      'link out of the corpus (--follow-links goes there)',
      'link to a folder above it',
      'neither a file nor a folder',
    ]);
    const followed = await list(config, true);
    assert.deepEqual(
      followed.faces.map(({ uri }) => uri),
      ['anna/good.jpg', 'anna/leaves.jpg', 'berta/other.jpg', 'berta/secret.jpg'],
    );
  }));

test('folders that link to one another in every way are listed once, not in every order', () =>
  withCorpus(async ({ corpus }) => {
    const names = Array.from({ length: 15 }, (_, i) => `folder-${i}`);
    for (const name of names) {
      await mkdir(join(corpus, 'anna', name));
      await copyFile(photograph, join(corpus, 'anna', name, 'x.jpg'));
      for (const other of names) {
        if (other !== name) await symlink(`../${other}`, join(corpus, 'anna', name, other));
      }
    }
    const { faces } = await list({ corpus, corpusFormat: 'folder', imageRoot: corpus });
    assert.equal(faces.length, 16);
  }));

test('file names that are no text, very long ones and Windows separators are listed or counted, never followed', () =>
  withCorpus(async ({ corpus }) => {
    const anna = Buffer.from(`${corpus}/anna/`);
    const bytes = await readFile(photograph);
    await writeFile(Buffer.concat([anna, Buffer.from([0xff, 0xfe]), Buffer.from('.jpg')]), bytes);
    await writeFile(join(corpus, 'anna', `${'x'.repeat(251)}.jpg`), bytes);
    await writeFile(join(corpus, 'anna', 'a\\..\\..\\outside\\secret.jpg'), bytes);
    await writeFile(join(corpus, 'anna', 'line\nbreak\u001b[2J.jpg'), bytes);
    await writeFile(join(corpus, 'anna', '\u202egpj.jpg'), bytes);
    const { faces, ignored } = await list({ corpus, corpusFormat: 'folder', imageRoot: corpus });
    assert.equal(faces.length, 5);
    assert.deepEqual(ignored, ['name is not valid UTF-8']);
    for (const { uri } of faces) assert.ok((await readCode(corpus, uri)).length > 1000, uri);
  }));

test('a hostile list is read or refused in one clear line that names it, and every path it gives lies inside', () =>
  withCorpus(async ({ folder, corpus }) => {
    const path = join(folder, 'faces.csv');
    await forSeeds('CSV list', cases(300, 4_000), async (seed) => {
      const lines = Array.from({ length: 1 + (seed % 5) }, (_, i) => {
        const id = seed % 7 === i ? hostileName(seed + i) : `face-${i}`;
        return `${id},anna,${hostileName(seed * 31 + i)}`;
      });
      await writeFile(path, `face_id,subject_id,path\n${lines.join('\n')}\n`);
      const found = await readOrRefuse(() => list({ corpus: path, corpusFormat: 'csv', imageRoot: corpus }));
      for (const { uri } of found?.faces ?? []) {
        assert.ok(!uri.startsWith('/') && !uri.split('/').includes('..') && !uri.includes('\0'), uri);
      }
    });
  }));

test('a store writes, reads and deletes nothing through links in it', () =>
  withCorpus(async ({ folder, outside }) => {
    const out = join(folder, 'out');
    await mkdir(out);
    await symlink(outside, join(out, 'data'));
    await symlink(join(outside, 'secret.jpg'), join(out, 'run.json'));
    execFileSync('mkfifo', [join(out, 'manifest.json')]);
    const store = await openStore(out);
    const refused = async (work: () => Promise<unknown>) => {
      await assert.rejects(work, (error) => {
        assertClear(error);
        return true;
      });
    };
    await refused(() => store.put('data/x.parquet', Buffer.from('x')));
    await refused(() => store.putIfAbsent('data/y.parquet', Buffer.from('x')));
    await refused(() => store.get('data/secret.jpg'));
    await refused(() => store.get('run.json'));
    await refused(() => store.get('manifest.json'));
    await refused(() => store.delete('data/secret.jpg'));
    await store.put('run.json', Buffer.from('mine'));
    assert.equal(Buffer.from((await store.get('run.json'))!).toString(), 'mine');
    await store.close();
    assert.deepEqual(readdirSync(outside).sort(), ['other.jpg', 'secret.jpg']);
    assert.equal(await readFile(join(outside, 'secret.jpg'), 'utf8'), SECRET);
  }));

test("a link in the place of the store's own folder is refused, and nobody's old files are cleaned away", () =>
  withCorpus(async ({ folder, outside }) => {
    const out = join(folder, 'out');
    await mkdir(out);
    await symlink(outside, join(out, '.posecast-tmp'));
    const old = new Date(Date.now() - 10 * 24 * 3_600_000);
    await utimes(join(outside, 'secret.jpg'), old, old);
    const ran = await posecast(['run', join(folder, 'corpus'), out, '--variants', '0']);
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(ran.stderr, /^posecast: .*found a link/m);
    assert.ok(existsSync(join(outside, 'secret.jpg')));
  }));

test('a store key with .., an absolute one or one with NUL is refused before the folder is touched', () =>
  withCorpus(async ({ folder, outside }) => {
    await forSeeds('store key', cases(300, 3_000), async (seed) => {
      // One for each key: the folder of one may have the name of another.
      const store = await openStore(join(folder, 'out', String(seed)));
      const key = hostileName(seed);
      await readOrRefuse(() => store.put(key, Buffer.from('x')));
      await readOrRefuse(() => store.get(key));
      await readOrRefuse(() => store.delete(key));
    });
    assert.deepEqual(readdirSync(folder).sort(), ['corpus', 'out', 'outside']);
    assert.deepEqual(readdirSync(outside).sort(), ['other.jpg', 'secret.jpg']);
    assert.deepEqual(readdirSync(join(folder, 'corpus')), ['anna']);
  }));

test('an OUT that cannot be one is one clear line and exit code 2', () =>
  withCorpus(async ({ folder, corpus }) => {
    await symlink('loop', join(folder, 'loop'));
    await symlink(corpus, join(folder, 'to-corpus'));
    const hopeless = [
      `${folder}/${'x'.repeat(300)}`,
      `${folder}/${'long/'.repeat(1_000)}`,
      'file:///tmp/a%00b',
      'file://elsewhere/tmp/x',
      `${folder}/loop/x`,
      `${folder}/corpus/anna/good.jpg`,
      '/dev/null/x',
      '/proc/self/x',
      's3://bucket/../x',
      's3://../x',
      'ftp://host/x',
      `${folder}/\uFFFD`,
      '',
    ];
    for (const out of hopeless) {
      await assert.rejects(openStore(out), (error) => {
        assertClear(error);
        return error instanceof ConfigError;
      });
    }
    for (const out of [hopeless[2]!, `${folder}/to-corpus/out`]) {
      const ran = await posecast(['run', corpus, out, '--variants', '0']);
      assert.equal(ran.code, 2, `${out.slice(0, 80)}: ${ran.stderr}`);
      assert.match(ran.stderr, /^posecast: \P{Cc}+\n$/u);
    }
  }));

test('a run over links that leave the corpus has them as rejects, and --follow-links has them as faces', () =>
  withCorpus(async ({ folder, corpus, outside }) => {
    await symlink(join(outside, 'other.jpg'), join(corpus, 'anna', 'other.jpg'));
    const out = join(folder, 'out');
    const ran = await posecast(['run', corpus, out, '--variants', '0']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual((await readRun(out)).manifest.rejectsByCode, { 'read/link-outside-corpus': 1 });
    const followed = join(folder, 'followed');
    const again = await posecast(['run', corpus, followed, '--variants', '0', '--follow-links']);
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await readRun(followed)).manifest.totals.ok, 2);
    if (cases(0, 1) === 0) return;
    const other = await posecast(['run', corpus, followed, '--variants', '0']);
    assert.equal(other.code, 2, other.stderr);
    assert.match(other.stderr, /followLinks: true there, false asked/);
  }));

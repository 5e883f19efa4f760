import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listBenchCorpus, locateBenchCorpus, readPhotographs } from '../../../src/cli/bench/benchCorpus.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

/** A corpus of links out of it: to a photograph, a pipe that nobody writes to, a device without an end and a folder. */
async function corpusOfLinks(folder: string): Promise<string> {
  const root = join(folder, 'corpus');
  await mkdir(join(root, 'anna'), { recursive: true });
  await writeFile(join(folder, 'photograph'), 'a photograph');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const links = { photograph: join(folder, 'photograph'), pipe: join(folder, 'pipe') };
  for (const [name, target] of Object.entries({ ...links, device: '/dev/zero', folder })) {
    await symlink(target, join(root, 'anna', `${name}.jpg`));
  }
  return root;
}

test('what a run would reject unread, a link out of the corpus or to no file, is not what stages are measured on', () =>
  withTempFolder(async (folder) => {
    const root = await corpusOfLinks(folder);
    await writeFile(join(root, 'anna', 'own.jpg'), 'her own');
    const corpus = { root, followLinks: false };
    const photographs = await readPhotographs(corpus, await listBenchCorpus(corpus, () => undefined));
    assert.deepEqual(
      photographs.map((bytes) => new TextDecoder().decode(bytes)),
      ['her own'],
    );
  }));

test('photographs of which none can be read are refused with the reason of one', () =>
  withTempFolder(async (folder) => {
    const corpus = { root: await corpusOfLinks(folder), followLinks: false };
    await assert.rejects(readPhotographs(corpus, await listBenchCorpus(corpus, () => undefined)), {
      name: 'ConfigError',
      code: 'nothing-usable',
      message: /first=link leads out of the corpus; --follow-links reads it/,
    });
  }));

test('links are followed where that is asked for', () =>
  withTempFolder(async (folder) => {
    const corpus = { root: await corpusOfLinks(folder), followLinks: true };
    const [photograph, ...others] = await readPhotographs(
      corpus,
      await listBenchCorpus(corpus, () => undefined),
    );
    assert.equal(new TextDecoder().decode(photograph), 'a photograph');
    assert.deepEqual(others, []);
  }));

test('a corpus that is no folder of people is refused, and what it is is said', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'train-0.tar'), '');
    await writeFile(join(folder, 'faces.csv'), '');
    const list = join(folder, 'faces.csv');
    for (const [corpus, found] of [
      ['s3://bucket/faces', 's3'],
      [folder, 'webdataset'],
      [list, 'csv'],
    ] as const) {
      await assert.rejects(locateBenchCorpus(corpus), {
        name: 'ConfigError',
        message: new RegExp(`a folder of this machine with a folder per person; found ${found}`),
      });
    }
  }));

test('what the reader of the corpus passed over is said', () =>
  withTempFolder(async (folder) => {
    const root = await corpusOfLinks(folder);
    await writeFile(join(root, 'notes.txt'), '');
    const lines: string[] = [];
    await listBenchCorpus({ root, followLinks: false }, (line) => lines.push(line));
    assert.match(lines.join('\n'), /not in the folder of a person.*notes\.txt/);
  }));

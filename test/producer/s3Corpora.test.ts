/** Corpora in an object store: a prefix with a folder per person, a list, and archives. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CorpusConfig } from '../../src/producer/readers/corpusReader.ts';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { type S3Service, withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect } from './corpusFiles.ts';
import { END, member } from './tar/tars.ts';

async function list(service: S3Service, config: CorpusConfig) {
  const reader = await openCorpus(config, { s3: { endpoint: service.endpoint } });
  service.requests.length = 0;
  const faces = await collect(reader.faces());
  return { faces, ignored: [...reader.ignored.reasons().keys()] };
}

const ids = (faces: readonly FaceRecord[]) => faces.map(({ faceId }) => faceId);

test('a prefix is listed as a folder is: people in their order, not in the order of keys', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    await putObjects(service, {
      'c/ann-b/1.jpg': 'x',
      'c/ann/2.jpg': 'xx',
      'c/ann/deep/er/1.PNG': 'xxx',
      'c/ann/.hidden.jpg': 'x',
      'c/ann/notes.txt': 'x',
      'c/readme.jpg': 'x',
      'c/zoe/': '',
      'c/é/1.jpg': 'x',
      'd/other/1.jpg': 'x',
    });
    const corpus = `s3://${service.bucket}/c`;
    const { faces, ignored } = await list(service, { corpus, imageRoot: corpus, corpusFormat: 'folder' });
    assert.deepEqual(ids(faces), ['ann/2.jpg', 'ann/deep/er/1.PNG', 'ann-b/1.jpg', 'é/1.jpg']);
    assert.deepEqual(faces[0], { faceId: 'ann/2.jpg', subjectId: 'ann', uri: 'ann/2.jpg', bytes: 2 });
    assert.deepEqual(ignored.sort(), [
      'hidden',
      'not an image by its extension',
      'not in the folder of a person',
    ]);
  }));

test('a list may lie in the store, its photographs may, or both', () =>
  withS3({ conditionalPuts: false }, (service) =>
    withTempFolder(async (folder) => {
      const root = `s3://${service.bucket}/photos`;
      const csv = `face_id,subject_id,path\n1,anna,a.jpg\n2,anna,${root}/b:c.jpg\n`;
      await putObjects(service, { 'lists/faces.csv': csv });
      await writeFile(join(folder, 'faces.csv'), csv);
      for (const corpus of [`s3://${service.bucket}/lists/faces.csv`, join(folder, 'faces.csv')]) {
        const { faces } = await list(service, { corpus, imageRoot: root, corpusFormat: 'csv' });
        assert.deepEqual(
          faces.map(({ uri }) => uri),
          ['a.jpg', 'b:c.jpg'],
        );
      }
      for (const path of ['../x.jpg', `s3://${service.bucket}/other/x.jpg`, '/x.jpg']) {
        await writeFile(join(folder, 'bad.csv'), `face_id,subject_id,path\n1,anna,${path}\n`);
        const config = { corpus: join(folder, 'bad.csv'), imageRoot: root, corpusFormat: 'csv' } as const;
        await assert.rejects(list(service, config), { code: 'bad-csv', message: /path inside/ }, path);
      }
    }),
  ));

/** An archive of people with photographs of a size. */
function archive(people: number, photographs: number, bytes: number): Buffer {
  const members = Array.from({ length: people * photographs }, (_, i) =>
    member(`p${String(Math.floor(i / photographs)).padStart(4, '0')}/${i}.jpg`, Buffer.alloc(bytes, i)),
  );
  return Buffer.concat([...members, END]);
}

test('an archive of small photographs is listed with a few large reads, one of large ones by its headers', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const small = archive(100, 10, 5_000);
    const large = archive(5, 1, 1.5 * 2 ** 20);
    await putObjects(service, { 'c/small.tar': small, 'c/large.tar': large });
    for (const [name, faces, mostReads, mostBytes] of [
      ['small', 1_000, 8, 1.2 * small.length],
      ['large', 5, 8, 0.1 * large.length],
    ] as const) {
      const corpus = `s3://${service.bucket}/c/${name}.tar`;
      const imageRoot = `s3://${service.bucket}/c`;
      const found = await list(service, {
        corpus,
        imageRoot,
        corpusFormat: 'webdataset',
        subjectFrom: 'folder',
      });
      assert.equal(found.faces.length, faces);
      const ranges = service.requests.flatMap(({ headers }) => headers.range ?? []);
      const asked = ranges.reduce((sum, range) => {
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(range) ?? [];
        return sum + Number(to) - Number(from) + 1;
      }, 0);
      assert.ok(ranges.length <= mostReads, `${name}: ${ranges.length} reads`);
      assert.ok(asked <= mostBytes, `${name}: ${asked} bytes`);
    }
  }));

test('archives of a prefix are found by braces, by * and by their folder', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const one = Buffer.concat([member('p/0.jpg', 'x'), END]);
    await putObjects(service, {
      'c/t-0.tar': one,
      'c/t-1.tar': one,
      'c/deeper/t-2.tar': one,
      'c/x.json': '{}',
    });
    const imageRoot = `s3://${service.bucket}/c`;
    for (const corpus of [`${imageRoot}/t-{0..1}.tar`, `${imageRoot}/t-*.tar`, imageRoot]) {
      const { faces } = await list(service, { corpus, imageRoot, corpusFormat: 'webdataset' });
      assert.deepEqual(ids(faces), ['t-0.tar/p/0.jpg', 't-1.tar/p/0.jpg'], corpus);
    }
  }));

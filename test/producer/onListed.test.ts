/** Corpora that are read to their end before their first face is listed say meanwhile how many are found. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CorpusConfig } from '../../src/producer/readers/corpusReader.ts';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { saveArchive, writeInsightFaceArchive } from '../helpers/recordIoWriter.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { writeTable } from '../helpers/tableFiles.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { writeFiles } from './corpusFiles.ts';
import { writeTar } from './tar/tars.ts';

const FACES = 1_050;
const people = Array.from({ length: FACES / 5 }, (_, person) => `p${person}`);
const photographs = people.flatMap((person) =>
  [1, 2, 3, 4, 5].map((i) => ({ person, name: `${person}-${i}` })),
);

/** How many were found each time it was said, until the first face came. */
async function heardOf(corpus: CorpusConfig, endpoint?: string): Promise<object[]> {
  const heard: object[] = [];
  const reader = await openCorpus(corpus, endpoint === undefined ? {} : { s3: { endpoint } });
  for await (const _ of reader.faces(undefined, (listed) => heard.push({ ...listed }))) break;
  return heard;
}

/** Each writes the faces into the folder and says what corpus they are. */
const CORPORA: Record<string, (folder: string) => Promise<Omit<CorpusConfig, 'imageRoot'>>> = {
  'a folder of KDEF': async (folder) => {
    const [emotions, angles] = [
      ['AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU'],
      ['FL', 'HL', 'S', 'HR', 'FR'],
    ];
    const files = photographs.map((_, i) => {
      const person = `AF${String(1 + Math.floor(i / 35)).padStart(2, '0')}`;
      return `${person}/${person}${emotions[Math.floor(i / 5) % 7]}${angles[i % 5]}.JPG`;
    });
    await writeFiles(folder, Object.fromEntries(files.map((file) => [file, 'x'])));
    return { corpus: folder, corpusFormat: 'kdef' };
  },
  'a tar archive': async (folder) => {
    const members = photographs.flatMap(({ person, name }): [string, string][] => [
      [`${name}.jpg`, 'x'],
      [`${name}.cls`, person],
    ]);
    await writeTar(join(folder, 'faces.tar'), members);
    return { corpus: join(folder, 'faces.tar'), corpusFormat: 'webdataset' };
  },
  'a record archive': async (folder) => {
    const image = Buffer.from('x');
    const archive = writeInsightFaceArchive(
      people.map((_, label) => [1, 2, 3, 4, 5].map(() => ({ label, image }))),
    );
    saveArchive(join(folder, 'train'), archive);
    return { corpus: join(folder, 'train.rec'), corpusFormat: 'recordio' };
  },
  'a table': async (folder) => {
    const columns = {
      face_id: { type: 'text', values: photographs.map(({ name }) => name) },
      subject_id: { type: 'text', values: photographs.map(({ person }) => person) },
      image: { type: 'bytes', values: photographs.map(() => Buffer.from('x')) },
    } as const;
    writeTable(join(folder, 'faces.parquet'), columns, { format: 'parquet' });
    return { corpus: join(folder, 'faces.parquet'), corpusFormat: 'parquet' };
  },
};

const FOUND = [{ faces: 500 }, { faces: 1_000 }];

for (const [what, write] of Object.entries(CORPORA)) {
  test(`of ${what} it is heard how many faces are found before the first is listed`, () =>
    withTempFolder(async (folder) => {
      const corpus = await write(folder);
      assert.deepEqual(await heardOf({ imageRoot: folder, ...corpus }), FOUND);
    }));
}

test('of a prefix in an object store it is heard how many faces are found before the first is listed', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    await putObjects(
      service,
      Object.fromEntries(photographs.map(({ person, name }) => [`c/${person}/${name}.jpg`, 'x'])),
    );
    const corpus = `s3://${service.bucket}/c`;
    const config = { corpus, imageRoot: corpus, corpusFormat: 'folder' } as const;
    assert.deepEqual(await heardOf(config, service.endpoint), FOUND);
  }));

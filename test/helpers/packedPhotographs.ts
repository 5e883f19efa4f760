/**
 * The same photographs as every kind of corpus: a folder and lists of it, a tar, a RecordIO archive, tables of images.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTar } from '../producer/tar/tars.ts';
import type { Photograph } from './photographs.ts';
import { saveArchive, writeInsightFaceArchive } from './recordIoWriter.ts';
import { type TableColumns, writeTable } from './tableFiles.ts';

/** Names below a folder; people are numbers, as RecordIO has them. */
export const PACKED = [
  ...['photos', 'list.csv', 'list.parquet'],
  ...['faces.tar', 'faces.rec', 'faces.parquet', 'faces.arrow'],
] as const;

export async function packPhotographs(photographs: readonly Photograph[], folder: string): Promise<void> {
  for (const { subjectId, name, bytes } of photographs) {
    const path = join(folder, 'photos', subjectId, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const members = photographs.map(({ subjectId, name, bytes }) => [`${subjectId}/${name}`, bytes] as const);
  await writeTar(join(folder, 'faces.tar'), members);
  const people = [...new Set(photographs.map(({ subjectId }) => subjectId))];
  const records = people.map((person) =>
    photographs
      .filter(({ subjectId }) => subjectId === person)
      .map(({ bytes }) => ({ label: Number(person), image: bytes })),
  );
  saveArchive(join(folder, 'faces'), writeInsightFaceArchive(records));
  const paths = photographs.map(({ subjectId, name }) => `photos/${subjectId}/${name}`);
  const lines = photographs.map(({ subjectId }, i) => `${i},${subjectId},${paths[i]}\n`);
  writeFileSync(join(folder, 'list.csv'), `face_id,subject_id,path\n${lines.join('')}`);
  const subject: TableColumns[string] = {
    type: 'text',
    values: photographs.map(({ subjectId }) => subjectId),
  };
  const list: TableColumns = { subject_id: subject, path: { type: 'text', values: paths } };
  writeTable(join(folder, 'list.parquet'), list, { format: 'parquet' });
  const columns: TableColumns = {
    subject_id: subject,
    image: { type: 'bytes', values: photographs.map(({ bytes }) => bytes) },
  };
  for (const format of ['parquet', 'arrow'] as const) {
    writeTable(join(folder, `faces.${format}`), columns, { format, pieceRows: 2 });
  }
}

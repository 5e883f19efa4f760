/** The same photographs as every kind of corpus: a folder, a tar, a RecordIO archive, tables with the images in them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTar } from '../producer/tar/tars.ts';
import type { Photograph } from './photographs.ts';
import { saveArchive, writeInsightFaceArchive } from './recordIoWriter.ts';
import { type TableColumns, writeTable } from './tableFiles.ts';

/** Names below a folder; people are numbers, as RecordIO has them. */
export const PACKED = ['photos', 'faces.tar', 'faces.rec', 'faces.parquet', 'faces.arrow'] as const;

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
  const columns: TableColumns = {
    subject_id: { type: 'text', values: photographs.map(({ subjectId }) => subjectId) },
    image: { type: 'bytes', values: photographs.map(({ bytes }) => bytes) },
  };
  for (const format of ['parquet', 'arrow'] as const) {
    writeTable(join(folder, `faces.${format}`), columns, { format, pieceRows: 2 });
  }
}

/** Archives and tables of a corpus, damaged: listed by their reader, and every listed photograph read. */

import { createIgnoredEntries } from '../../src/producer/readers/ignored.ts';
import { openRecordIoCorpus } from '../../src/producer/readers/recordIo.ts';
import { openTableCorpus } from '../../src/producer/readers/tableCorpus.ts';
import { imageOfRecord } from '../../src/shared/corpus/imageRecord.ts';
import { openRowImages } from '../../src/shared/corpus/rowImages.ts';
import { tableColumnsSchema } from '../../src/shared/corpus/tableColumns.ts';
import type { RowFace } from '../../src/shared/corpus/tableRows.ts';
import { shardImages } from '../../src/worker/reading/tableImages.ts';
import { openTableReads } from '../../src/worker/reading/tableReads.ts';
import { POLARS_CATEGORIES } from '../helpers/polarsTables.ts';
import { writeInsightFaceArchive } from '../helpers/recordIoWriter.ts';
import { tableBytes } from '../helpers/tableFiles.ts';
import { memorySource } from './memorySource.ts';
import { mutateBytes } from './mutate.ts';

const MAGIC = Buffer.from('0a23d7ce', 'hex');

/** The number of photographs that a damaged archive, or one with a damaged index, still gives. */
export function recordIoCase(): (seed: number) => Promise<number> {
  const people = Array.from({ length: 6 }, (_, label) => [
    { label, image: Buffer.alloc(60 + 5 * label, label) },
    { label: [label, 0.5], image: Buffer.concat([MAGIC, Buffer.alloc(20), MAGIC]) },
  ]);
  const { rec, idx } = writeInsightFaceArchive(people);
  return async (seed) => {
    const index = seed % 3 === 0 ? mutateBytes(Buffer.from(idx), seed) : Buffer.from(idx);
    const archive = seed % 3 === 0 ? rec : mutateBytes(rec, seed);
    // Without an index every third time.
    const files = { 'train.rec': archive, ...(seed % 3 === 2 ? {} : { 'train.idx': index }) };
    const reader = openRecordIoCorpus(memorySource(files), 'train.rec', {
      labelColumns: [{ name: 'label_1', type: 'number' }],
      readBroken: seed % 2 === 0,
    });
    let photographs = 0;
    for await (const { offset = 0, bytes } of reader.faces()) {
      if (offset + bytes > archive.length) throw new Error(`a record at ${offset} of ${bytes} bytes`);
      if (imageOfRecord(archive.subarray(offset, offset + bytes)).status === 'ok') photographs++;
    }
    return photographs;
  };
}

/** The number of photographs that a damaged table still gives. */
export function corpusTableCase(): (seed: number) => Promise<number> {
  const rows = 20;
  const numbers = Array.from({ length: rows }, (_, row) => row);
  const columns = {
    face_id: { type: 'text', values: numbers.map((row) => `face ${row}`) },
    label: { type: 'integer', values: numbers.map((row) => row % 7) },
    image: { type: 'image struct', values: numbers.map((row) => Buffer.alloc(40 + row, row)) },
    age: { type: 'number', values: numbers.map((row) => row / 3) },
  } as const;
  const tables = (['parquet', 'arrow', 'arrow stream'] as const).map((format) => {
    const bytes = tableBytes(columns, { format, pieceRows: 6, pageRows: 2 });
    const footer =
      format === 'arrow' ? bytes.length - 10 - Buffer.from(bytes).readInt32LE(bytes.length - 10) : 0;
    return { format: format === 'parquet' ? ('parquet' as const) : ('arrow' as const), bytes, footer };
  });
  const polars = { format: 'arrow' as const, bytes: POLARS_CATEGORIES, footer: 0 };
  const request = tableColumnsSchema.parse({});
  return async (seed) => {
    const another = Math.floor(seed / 6) % 2 === 0;
    const table = tables[seed % tables.length]!;
    // In place of every second stream one of polars.
    const { format, bytes, footer } = another && seed % tables.length === 2 ? polars : table;
    // Every second Arrow file is sound before its footer, which few injuries hit otherwise.
    const sound = another ? footer : 0;
    const damaged = Buffer.concat([bytes.subarray(0, sound), mutateBytes(bytes.subarray(sound), seed)]);
    const source = memorySource({ t: damaged });
    const reader = openTableCorpus({
      format,
      tables: { source, uris: ['t'], ignored: createIgnoredEntries() },
      imageRoot: source.root,
      columns: request,
      labelColumns: bytes === POLARS_CATEGORIES ? [] : [{ name: 'age', type: 'number' }],
      readBroken: seed % 2 === 0,
      shardFaces: 5,
    });
    const faces: RowFace[] = [];
    for await (const face of reader.faces()) faces.push({ ...face, row: face.row ?? -1 });
    const reads = openTableReads(source, { format, columns: request });
    const images = shardImages(faces, reads.answer);
    const oneByOne = openRowImages(source, { format, columns: request }, new AbortController().signal);
    let photographs = 0;
    for (const face of faces) {
      const read = await images.read(face);
      const alone = await oneByOne.read(face);
      if (alone.status === 'ok') photographs += alone.bytes.length > 0 ? 1 : 0;
      if (read.status === 'ok') photographs += read.bytes.length > 0 ? 1 : 0;
    }
    await Promise.all([oneByOne.close(), reads.close()]);
    return photographs;
  };
}

/** Writes embedding tables as a worker does, two at a time, in a process of its own. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { TABLE_FORMATS } from '../../../src/shared/config.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import type { ColumnarTable } from '../../../src/shared/table/columns.ts';
import { tableMetadata } from '../../../src/shared/table/tableMetadata.ts';
import { embeddingRows } from '../../../src/shared/table/tables.ts';
import { openTableWriter } from '../../../src/worker/tables/tableWriter.ts';
import { peakMegabytes, requestOf } from './ownProcess.ts';

export interface TablesRequest {
  readonly folder: string;
  readonly format: (typeof TABLE_FORMATS)[number];
  /** Rows of a table of 512 float32 values. */
  readonly rows: number;
  readonly tables: number;
  /** Tables are made before the clock starts; else each when its turn comes, so that memory is what a worker needs. */
  readonly madeBefore: boolean;
}

export interface TablesResult {
  /** From embeddings in columns to files that are flushed to the disk. */
  readonly seconds: number;
  /** As many bytes written as they are, flushed, two files at a time. */
  readonly rawSeconds: number;
  readonly fileBytes: number;
  readonly floatBytes: number;
  readonly peakMegabytes: number;
}

/** Tables in work at once, as a worker has shards. */
const IN_WORK = 2;
const DIM = 512;

const { folder, format, rows, tables, madeBefore } = requestOf<TablesRequest>();
const store = await openStore(join(folder, 'out'));
const writer = await openTableWriter();
const options = {
  format,
  metadata: tableMetadata({
    kind: 'embeddings',
    runId: 'tables',
    recognizer: 'none',
    recognizerDigest: 'none',
  }),
};

// Opens the thread's libraries.
await writer.encode(makeTable(64), options);

const made = madeBefore ? Array.from({ length: tables }, () => makeTable(rows)) : [];
const inWork = pLimit(IN_WORK);
let fileBytes = 0;
const start = performance.now();
await Promise.all(
  Array.from({ length: tables }, (_, i) =>
    inWork(async () => {
      const { content, bytes, sha256 } = await writer.encode(made[i] ?? makeTable(rows), options);
      await store.put(`data/${i}`, content);
      await sha256;
      fileBytes += bytes;
    }),
  ),
);
const seconds = (performance.now() - start) / 1000;
const peak = await peakMegabytes();

const content = randomBytes(Math.round(fileBytes / tables));
const rawStart = performance.now();
await Promise.all(
  Array.from({ length: tables }, (_, i) =>
    inWork(async () => {
      const file = await open(join(folder, `raw-${i}`), 'w');
      await file.writeFile(content);
      await file.sync();
      await file.close();
    }),
  ),
);
const result: TablesResult = {
  seconds,
  rawSeconds: (performance.now() - rawStart) / 1000,
  fileBytes,
  floatBytes: tables * rows * DIM * 4,
  peakMegabytes: peak,
};
await writer.close();
await store.close();
console.log(JSON.stringify(result));

/** Embeddings of unit length that no compressor can guess, and the other columns as runs have them. */
function makeTable(count: number): ColumnarTable {
  const shape = {
    dim: DIM,
    embeddingType: 'float32',
    withLandmarks: false,
    withPostureCode: false,
    labelColumns: [],
  } as const;
  const table = embeddingRows(shape, { expectedRows: count, shared: format === 'arrow' });
  // Copied by the table.
  const embedding = new Float32Array(DIM);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < DIM; i++) embedding[i] = Math.random() + Math.random() + Math.random() - 1.5;
    const length = Math.sqrt(embedding.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < DIM; i++) embedding[i]! /= length;
    const subjectId = `id_${String(Math.floor(row / 10)).padStart(8, '0')}`;
    table.add({
      faceId: `${subjectId}#variant-${row % 10}`,
      subjectId,
      kind: 'augmented',
      variant: row % 10,
      sourceFaceId: `${subjectId}/photograph_0001.jpg`,
      postureId: `yaw-${row % 10}`,
      yaw: row % 60,
      pitch: row % 20,
      roll: 0,
      detectionScore: null,
      similarity: 0.8,
      facesFound: null,
      embedding,
    });
  }
  return table.finish();
}

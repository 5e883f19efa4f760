import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CorpusSource } from '../../../src/shared/corpus/corpusSource.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import { openRowImages, type RowImageReading, rowsAround } from '../../../src/shared/corpus/rowImages.ts';
import { tableColumnsSchema } from '../../../src/shared/corpus/tableColumns.ts';
import { type WriteOptions, writeTable } from '../../helpers/tableFiles.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const columns = tableColumnsSchema.parse({});
const never = new AbortController().signal;

/** The face that `writeRows` has in a row. */
const face = (uri: string, row: number) => ({
  ...{ faceId: `${uri}#${row}`, subjectId: `${row}` },
  ...{ uri, bytes: 0, row },
});

/** Row i: 100 bytes that say i; row 5 has no image. */
const image = (i: number) => (i === 5 ? null : Buffer.alloc(100, `${i} `));

function writeRows(path: string, rows: number, options: WriteOptions): void {
  const numbers = Array.from({ length: rows }, (_, i) => i);
  const people = { type: 'integer', values: numbers } as const;
  writeTable(path, { label: people, image: { type: 'bytes', values: numbers.map(image) } }, options);
}

/** A folder that counts the bytes it is asked for. */
function countingSource(folder: string): { source: CorpusSource; bytes: () => number; open: () => number } {
  const inner = folderSource(folder);
  let [bytes, open] = [0, 0];
  const source: CorpusSource = {
    ...inner,
    async open(uri, signal) {
      const file = await inner.open(uri, signal);
      open++;
      return {
        ...file,
        read(range, within) {
          bytes += range.end - range.start;
          return file.read(range, within);
        },
        close() {
          open--;
          return file.close();
        },
      };
    },
  };
  return { source, bytes: () => bytes, open: () => open };
}

async function read(
  folder: string,
  asked: readonly (readonly [uri: string, row: number])[],
  reading: Partial<RowImageReading> = {},
): Promise<(string | null)[]> {
  const rows = openRowImages(folderSource(folder), { format: 'parquet', columns, ...reading }, never);
  const outcomes = await Promise.all(asked.map(([uri, row]) => rows.read(face(uri, row))));
  await rows.close();
  return outcomes.map((outcome) =>
    outcome.status === 'ok' ? Buffer.from(outcome.bytes).toString() : outcome.rejection.code,
  );
}

test('every row has its own image, whatever the order, the layout of the table and the memory for it', () =>
  withTempFolder(async (folder) => {
    const layouts: readonly WriteOptions[] = [
      { format: 'parquet' },
      { format: 'parquet', pieceRows: 4 },
      { format: 'parquet', pieceRows: 8, pageRows: 2 },
      { format: 'arrow', pieceRows: 3 },
    ];
    for (const [i, options] of layouts.entries()) writeRows(join(folder, `t-${i}`), 20, options);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(layouts.length - 1),
        fc.array(fc.nat(19), { minLength: 1, maxLength: 30 }),
        fc.nat(2500),
        async (layout, asked, keptBytes) => {
          const format = layouts[layout]?.format === 'arrow' ? 'arrow' : 'parquet';
          const places = asked.map((row) => [`t-${layout}`, row] as const);
          const found = await read(folder, places, { format, keptBytes });
          assert.deepEqual(
            found,
            asked.map((row) => image(row)?.toString() ?? 'no-image'),
          );
        },
      ),
      { numRuns: 40 },
    );
  }));

test('what is read around a row holds it, stays in its piece and is bounded, whatever the pages are said to be', () => {
  const anyRow = fc.oneof(fc.nat(200), fc.integer({ min: -(2 ** 50), max: 2 ** 50 }));
  const pieces = fc.record({
    start: fc.nat(100),
    rows: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(2 ** 40)),
  });
  fc.assert(
    fc.property(pieces, fc.array(anyRow, { maxLength: 6 }), fc.nat(2 ** 40), (piece, pages, n) => {
      const row = piece.start + (n % piece.rows);
      const { start, end } = rowsAround(piece, pages, row);
      assert.ok(piece.start <= start && start <= row && row < end && end <= piece.start + piece.rows);
      assert.ok(end - start <= 2 ** 16, `${end - start} rows`);
    }),
  );
  const piece = { start: 10, rows: 20 };
  assert.deepEqual(rowsAround(piece, [10, 14, 22], 15), { start: 14, end: 22 });
  assert.deepEqual(rowsAround(piece, [10, 14, 22], 29), { start: 22, end: 30 });
  assert.deepEqual(rowsAround(piece, [], 15), { start: 10, end: 30 });
});

test('neighbours of an image are not read again while there is room for them, and all tables are closed', () =>
  withTempFolder(async (folder) => {
    writeRows(join(folder, 't'), 20, { format: 'arrow', pieceRows: 10 });
    const readAll = async (order: readonly number[], keptBytes: number) => {
      const { source, bytes, open } = countingSource(folder);
      const rows = openRowImages(source, { format: 'arrow', columns, keptBytes }, never);
      await rows.read(face('t', order[0]!));
      const first = bytes();
      for (const row of order) await rows.read(face('t', row));
      await rows.close();
      assert.equal(open(), 0);
      return { first, more: bytes() - first };
    };
    const sorted = await readAll([0, 1, 2, 3, 4], 0);
    assert.equal(sorted.more, 0);
    const scattered = [0, 10, 1, 11, 2, 12];
    const roomy = await readAll(scattered, 4000);
    const tight = await readAll(scattered, 1000);
    assert.ok(tight.more >= 4 * roomy.more, `${tight.more} bytes against ${roomy.more}`);
  }));

test('a row that is not there and a table that is broken or gone are rejections, and the others are read', () =>
  withTempFolder(async (folder) => {
    writeRows(join(folder, 'good'), 6, { format: 'parquet' });
    writeRows(join(folder, 'gone'), 6, { format: 'parquet' });
    writeFileSync(join(folder, 'broken'), 'PAR1 and nothing of the kind');
    rmSync(join(folder, 'gone'));
    const asked = [
      ['good', 6],
      ['broken', 0],
      ['gone', 0],
      ['good', 1],
    ] as const;
    assert.deepEqual(await read(folder, asked), [
      'beyond-end',
      'broken-table',
      'missing',
      image(1)?.toString(),
    ]);
    const paths = { type: 'text', values: ['a.jpg'] } as const;
    writeTable(join(folder, 'paths'), { label: paths, path: paths }, { format: 'parquet' });
    assert.deepEqual(await read(folder, [['paths', 0]]), ['not-embedded']);
  }));

test('reading that is broken off throws the reason, and calls no table broken', () =>
  withTempFolder(async (folder) => {
    writeRows(join(folder, 't'), 6, { format: 'parquet' });
    const stop = new AbortController();
    const rows = openRowImages(folderSource(folder), { format: 'parquet', columns }, stop.signal);
    assert.equal((await rows.read(face('t', 0))).status, 'ok');
    const reading = rows.read(face('t', 1));
    stop.abort(new Error('enough'));
    await assert.rejects(reading, /enough/);
    await assert.rejects(rows.read(face('t', 1)), /enough/);
    await rows.close();
  }));

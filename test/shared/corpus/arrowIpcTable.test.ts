import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Binary,
  Bool,
  Dictionary,
  Field,
  Int32,
  Int64,
  List,
  makeData,
  Null,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  type RecordBatchWriter,
  Schema,
  Struct,
  Uint64,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import { openArrowIpcTable } from '../../../src/shared/corpus/arrowIpcTable.ts';
import type { SourceTable, TableBytes } from '../../../src/shared/corpus/sourceTable.ts';
import { contentOfRows, type ImageColumn } from '../../../src/shared/corpus/tableRows.ts';
import { rootTable } from '../../../src/shared/table/arrowStructure.ts';
import { POLARS_CATEGORIES, POLARS_VIEWS } from '../../helpers/polarsTables.ts';
import { tableBytes } from '../../helpers/tableFiles.ts';

const NAMES = ['anna', 'bert', 'carl', 'dora', 'emil'];

const FILE = tableBytes({ name: { type: 'text', values: NAMES } }, { format: 'arrow', pieceRows: 2 });

/** The bytes as a table file; what is read of it is noted. */
function inMemory(bytes: Uint8Array, reads: [start: number, end: number][] = []): TableBytes {
  return {
    bytes: bytes.length,
    async read(start, end) {
      assert.ok(0 <= start && start <= end && end <= bytes.length, `bytes ${start}–${end} were asked for`);
      reads.push([start, end]);
      return Uint8Array.from(bytes.subarray(start, end));
    },
  };
}

async function namesOf(bytes: Uint8Array): Promise<unknown[]> {
  const table = await openArrowIpcTable(inMemory(bytes));
  const pieces = await Promise.all(
    table.pieces.map(({ start, rows }) => table.read(['name'], start, start + rows)),
  );
  return pieces.flat().map(({ name }) => name);
}

async function imagesOf(
  table: SourceTable,
  image: ImageColumn,
  rows: readonly number[],
): Promise<Uint8Array[]> {
  const columns = { subjectId: 'subject_id', image };
  return (await contentOfRows(table, columns, 'faces.arrow', rows)).map((row) => row.image);
}

/** Where the footer begins, and the blocks of its record batches in it. */
function footerOf(bytes: Uint8Array): { view: DataView; footer: number; blocks: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const footer = bytes.length - 10 - view.getInt32(bytes.length - 10, true);
  return { view, footer, blocks: rootTable(view, footer).structs(3, 24) };
}

test('an Arrow file is opened with a read for each record batch and two more', async () => {
  const reads: [number, number][] = [];
  const { pieces } = await openArrowIpcTable(inMemory(FILE, reads));
  assert.equal(pieces.length, 3);
  assert.ok(reads.length <= 5, JSON.stringify(reads));
});

test('of columns of views, too, only those that are asked for are read, and their sizes are known', async () => {
  const reads: [number, number][] = [];
  const table = await openArrowIpcTable(inMemory(POLARS_VIEWS, reads));
  const [piece] = table.pieces;
  const opened = reads.length;
  const rows = await table.read(['subject_id'], 0, 2);
  assert.deepEqual(rows, [{ subject_id: 'anna of more than twelve letters' }, { subject_id: 'bert' }]);
  const bytes = reads.slice(opened).reduce((sum, [start, end]) => sum + end - start, 0);
  assert.ok(bytes < 10_000, `${bytes} bytes were read`);
  assert.ok(table.columnSize(piece!, 'image').decoded >= 220_000);
  const images = await imagesOf(table, { column: 'image', kind: 'bytes' }, [0, 1]);
  assert.deepEqual(
    images.map(({ length }) => length),
    [100_000, 120_000],
  );
});

test('a record batch of views that says it has more rows than views is refused', async () => {
  const bytes = Uint8Array.from(POLARS_VIEWS);
  const { view, blocks } = footerOf(bytes);
  // After the mark and the length.
  const batch = rootTable(view, Number(view.getBigInt64(blocks[0]!, true)) + 8).table(2)!;
  view.setBigInt64(batch.at(0)!, 1_000_000n, true);
  const table = await openArrowIpcTable(inMemory(bytes));
  await assert.rejects(table.read(['subject_id'], 0, 1_000_000), /views of fewer than 1000000 rows/);
});

test('a dictionary that says it has more buffers than its message holds is refused', async () => {
  const bytes = Uint8Array.from(POLARS_CATEGORIES);
  const { view, footer } = footerOf(bytes);
  const [block] = rootTable(view, footer).structs(2, 24);
  const dictionary = rootTable(view, Number(view.getBigInt64(block!, true)) + 8)
    .table(2)!
    .table(1)!;
  const counts = dictionary.at(4)!;
  view.setUint32(counts + view.getUint32(counts, true), 5_000_000, true);
  await assert.rejects(openArrowIpcTable(inMemory(bytes)), /vector of 5000000 items/);
});

test('an Arrow file whose writer died before the footer, or that was cut, is refused', async () => {
  const { footer } = footerOf(FILE);
  for (const end of [footer, FILE.length - 1, 8, 6]) {
    await assert.rejects(namesOf(FILE.subarray(0, end)), /no footer and ARROW1 at the end/, `${end} bytes`);
  }
  // Of most writers the messages of a file are those of a stream.
  const stream = tableBytes({ name: { type: 'text', values: NAMES } }, { format: 'arrow stream' });
  const unfinished = Buffer.concat([Buffer.from('ARROW1\0\0'), stream]);
  await assert.rejects(namesOf(unfinished), /no footer and ARROW1 at the end/);
});

test('a footer whose blocks lie outside the messages, or share bytes, is refused', async () => {
  type Damage = (view: DataView, block: number, footer: number) => void;
  const damages: Record<string, Damage> = {
    'before the first message': (view, block) => view.setBigInt64(block, 0n, true),
    'at a negative byte': (view, block) => view.setBigInt64(block, -8n, true),
    'beyond the file': (view, block) => view.setBigInt64(block, 2n ** 40n, true),
    'at no number': (view, block) => view.setBigInt64(block, 2n ** 62n, true),
    'in the footer': (view, block, footer) => view.setBigInt64(block, BigInt(footer), true),
    'where another lies': (view, block) => view.setBigInt64(block, view.getBigInt64(block + 24, true), true),
    'with a negative head': (view, block) => view.setInt32(block + 8, -8, true),
    'without a head': (view, block) => view.setInt32(block + 8, 0, true),
    'with a head of a gigabyte': (view, block) => view.setInt32(block + 8, 2 ** 30, true),
    'with a head that ends early': (view, block) =>
      view.setInt32(block + 8, view.getInt32(block + 8, true) - 8, true),
    'with a negative body': (view, block) => view.setBigInt64(block + 16, -8n, true),
    'with a body of a terabyte': (view, block) => view.setBigInt64(block + 16, 2n ** 40n, true),
    'with less body than its message': (view, block) => view.setBigInt64(block + 16, 8n, true),
    'of which there are 4 billion': (view, block) => view.setUint32(block - 4, 2 ** 32 - 1, true),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const bytes = Uint8Array.from(FILE);
    const { view, footer, blocks } = footerOf(bytes);
    damage(view, blocks[0]!, footer);
    await assert.rejects(
      namesOf(bytes),
      /footer: a message of|as the footer says|a length or position of|vector of 4294967295 items/,
      name,
    );
  }
  for (const length of [-1, 0, FILE.length, 2 ** 31 - 1]) {
    const bytes = Uint8Array.from(FILE);
    footerOf(bytes).view.setInt32(bytes.length - 10, length, true);
    await assert.rejects(namesOf(bytes), new RegExp(`footer of ${length} bytes`));
  }
});

test('record batches without rows are taken, wherever they stand', async () => {
  const batch = (names: readonly string[]) => batchOf({ name: vectorFromArray(names, new Utf8()) });
  for (const Writer of [RecordBatchFileWriter, RecordBatchStreamWriter]) {
    for (const pieces of [[[], ['anna']], [['anna'], [], ['bert']], [['anna', 'bert'], []], [[]]]) {
      const bytes = written(new Writer(), pieces.map(batch));
      assert.equal((await openArrowIpcTable(inMemory(bytes))).pieces.length, pieces.length);
      assert.deepEqual(await namesOf(bytes), pieces.flat(), `${Writer.name} ${JSON.stringify(pieces)}`);
    }
  }
});

test('beside its bytes the struct of an image may hold anything: nulls, lists, truths', async () => {
  const bytes = vectorFromArray([Buffer.from('one'), null, Buffer.from('three')], new Binary());
  const children = {
    path: vectorFromArray([null, null, null], new Null()),
    box: vectorFromArray([[1, 2], [], [3]], new List(new Field('item', new Int32()))),
    good: vectorFromArray([true, false, true], new Bool()),
    bytes,
  };
  const { data } = batchOf(children);
  const columns = {
    subject_id: vectorFromArray(['anna', 'bert', 'carl'], new Utf8()),
    image: new Vector([data]),
  };
  const file = written(new RecordBatchFileWriter(), [batchOf(columns)]);
  const table = await openArrowIpcTable(inMemory(file));
  assert.equal(table.fields[1]?.kind, 'image struct');
  const images = await imagesOf(table, { column: 'image', kind: 'struct' }, [0, 1, 2]);
  assert.deepEqual(
    images.map((image) => Buffer.from(image).toString()),
    ['one', '', 'three'],
  );
});

/** Not in the types of apache-arrow, which writes them all the same. */
const indexedBy = (type: unknown) => new Dictionary(new Utf8(), type as Int32);

test('texts of a dictionary are found by indices of 32 and of 64 bits', async () => {
  const dictionary = vectorFromArray(['anna', 'bert'], new Utf8());
  const indices = [
    [new Int32(), Int32Array.of(1, 0, 1)],
    [new Int64(), BigInt64Array.of(1n, 0n, 1n)],
    [new Uint64(), BigUint64Array.of(1n, 0n, 1n)],
  ] as const;
  for (const [type, data] of indices) {
    const names = makeData({
      type: indexedBy(type),
      data: data as Int32Array,
      dictionary,
      length: 3,
      nullCount: 1,
      // The second.
      nullBitmap: Uint8Array.of(0b101),
    });
    const file = written(new RecordBatchFileWriter(), [batchOf({ name: new Vector([names]) })]);
    assert.deepEqual(await namesOf(file), ['bert', null, 'bert'], String(type));
  }
});

test('a column of a type that cannot be read is named, in a file and in a stream', async () => {
  const columns = {
    name: vectorFromArray(['anna'], new Utf8()),
    boxes: vectorFromArray([[1, 2]], new List(new Field('item', new Int32()))),
  };
  for (const Writer of [RecordBatchFileWriter, RecordBatchStreamWriter]) {
    const bytes = Uint8Array.from(written(new Writer(), [batchOf(columns)]));
    for (const code of typeCodes(bytes, 'boxes')) bytes[code] = LIST_VIEW;
    await assert.rejects(namesOf(bytes), /the column "boxes" is of a type that cannot be read; leave it out/);
  }
});

const LIST = 12;
const LIST_VIEW = 25;

/** Where the type of a list's field stands, by its name: in the schema's message and in the footer. */
function typeCodes(bytes: Uint8Array, name: string): number[] {
  const view = new DataView(bytes.buffer);
  const text = Buffer.from(name);
  const found: number[] = [];
  for (let table = 0; table + 4 < bytes.length; table += 4) {
    const slots = table - view.getInt32(table, true);
    if (slots < 0 || slots + 10 > bytes.length) continue;
    const [named, type] = [4, 8].map((slot) => table + view.getUint16(slots + slot, true));
    if (named === undefined || type === undefined || bytes[type] !== LIST || named + 4 > bytes.length)
      continue;
    const at = named + view.getUint32(named, true) + 4;
    if (Buffer.from(bytes.subarray(at, at + text.length)).equals(text)) found.push(type);
  }
  return found;
}

function batchOf(columns: Readonly<Record<string, Vector>>): RecordBatch {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, true));
  const children = Object.values(columns).flatMap(({ data }) => data);
  const { length = 0 } = children[0] ?? {};
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return new RecordBatch(new Schema(fields), data);
}

function written(writer: RecordBatchWriter, batches: readonly RecordBatch[]): Uint8Array {
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

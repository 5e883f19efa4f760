import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DataType,
  Dictionary,
  Field,
  Int32,
  LargeUtf8,
  List,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { columnOf, textsOf } from '../../../src/shared/table/columnOf.ts';

const TEXTS = ['\uFEFFanna', null, 'anna', '\uFEFF', '', '\uFEFF\uFEFFé', 'é\uFEFF'];

/** As it comes from a file, in two batches. */
function reread(type: DataType): Table {
  const halves = [TEXTS.slice(0, 3), TEXTS.slice(3)].map(
    (texts) => new Table({ text: vectorFromArray(texts, type) }),
  );
  return tableFromIPC(tableToIPC(halves[0]!.concat(halves[1]!)));
}

for (const type of [new Utf8(), new LargeUtf8(), new Dictionary(new Utf8(), new Int32())]) {
  test(`a text keeps the U+FEFF that it begins with [${type}]`, () => {
    const table = reread(type);
    const column = columnOf(table, 'text');
    assert.deepEqual(
      TEXTS.map((_, row) => column?.get(row)),
      TEXTS,
    );
    for (const batch of table.batches)
      assert.equal(columnOf(batch, 'text')?.get(0), batch.numRows === 3 ? TEXTS[0] : TEXTS[3]);
  });
}

test('a list of texts keeps it, numbers are as they are, and a column that is not there is none', () => {
  const type = new List(new Field('item', new Utf8(), true));
  const table = new Table({
    list: vectorFromArray([['\uFEFFa', 'b']], type),
    number: vectorFromArray([7], new Int32()),
  });
  assert.deepEqual(textsOf(table.getChild('list')?.get(0) as Vector), ['\uFEFFa', 'b']);
  assert.equal(columnOf(table, 'number')?.get(0), 7);
  assert.equal(columnOf(table, 'other'), undefined);
});

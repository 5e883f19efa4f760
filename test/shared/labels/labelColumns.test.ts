import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { labelColumns } from '../../../src/cli/options/labelOptions.ts';
import { parseLabel, RESERVED_COLUMNS } from '../../../src/shared/labels/labelColumns.ts';
import { LISTING_COLUMNS } from '../../../src/shared/listing/listingTable.ts';
import { EMBEDDING_COLUMNS, embeddingColumns, SUBJECT_COLUMNS } from '../../../src/shared/table/tables.ts';

test('no label may be called as a column of the listing or of an output table', () => {
  const shape = {
    dim: 1,
    embeddingType: 'float32',
    withLandmarks: true,
    withPostureCode: true,
    labelColumns: [],
  } as const;
  const used = [...EMBEDDING_COLUMNS, ...embeddingColumns(shape)].map(({ name }) => name);
  for (const name of [...used, ...Object.keys(LISTING_COLUMNS)]) {
    assert.ok(RESERVED_COLUMNS.has(name), name);
    assert.throws(
      () => labelColumns(name, 'csv'),
      /--label-columns: .*neither listing nor output tables use/,
    );
  }
  for (const name of ['Kind', 'YAW']) {
    assert.throws(() => labelColumns(`mood,${name}`, 'csv'), {
      message:
        '--label-columns: a label: expected a name that neither listing nor output tables use, ' +
        `in capitals or not, found ${name} [found=mood,${name}]`,
    });
  }
  assert.ok(SUBJECT_COLUMNS.some(({ name }) => RESERVED_COLUMNS.has(name)));
});

test('label columns are what is asked for, with the types that the format knows', () => {
  assert.deepEqual(labelColumns('mood, age:integer ,x:number', 'csv'), [
    { name: 'mood', type: 'string' },
    { name: 'age', type: 'integer' },
    { name: 'x', type: 'number' },
  ]);
  assert.deepEqual(labelColumns('path,label_2', 'recordio'), [
    { name: 'path', type: 'string' },
    { name: 'label_2', type: 'number' },
  ]);
  assert.deepEqual(
    labelColumns(undefined, 'kdef').map(({ name }) => name),
    ['session', 'emotion', 'angle'],
  );
  assert.deepEqual(labelColumns(undefined, 'parquet'), []);
  for (const [text, format, problem] of [
    ['a,a', 'csv', /expected every name once/],
    ['mood,Mood', 'csv', /expected every name once, in capitals or not, found Mood again/],
    ['a:date', 'csv', /expected name or name:type .* \[found=a:date\]/],
    ['', 'csv', /letters, digits/],
    ['a', 'folder', /expected a list, a table, RecordIO or KDEF, found folder/],
    ['mood', 'kdef', /expected some of session, gender, emotion, angle/],
    ['session:integer', 'kdef', /expected the type string, found integer/],
    ['label_0', 'recordio', /expected path, or label_1, label_2/],
  ] as const) {
    assert.throws(
      () => labelColumns(text, format),
      (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.match(error.message, problem);
        return true;
      },
    );
  }
});

test('a label comes back from its text, and a text that is none of its type is told apart from no label', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (integer, number) => {
        assert.equal(parseLabel('integer', String(integer)), integer);
        assert.equal(parseLabel('number', ` ${String(number)} `), number + 0);
      },
    ),
  );
  for (const type of ['string', 'integer', 'number'] as const) assert.equal(parseLabel(type, ''), null);
  assert.equal(parseLabel('integer', '1.5'), undefined);
  assert.equal(parseLabel('integer', '9007199254740993'), undefined);
  for (const code of ['0x10', '0b101', '0o17', '1_0', 'Infinity', 'NaN', '.', 'e5', '1e']) {
    assert.equal(parseLabel('number', code), undefined, code);
  }
  assert.deepEqual(
    ['+1.', '.5', '-1E-3', '007'].map((text) => parseLabel('number', text)),
    [1, 0.5, -0.001, 7],
  );
  assert.equal(parseLabel('string', ' x '), ' x ');
});

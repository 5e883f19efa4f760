/** Pages made by hand, most of them lies: what hyparquet would believe is refused before it is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ColumnMetaData, type ParquetType, parquetSchema, type SchemaElement } from 'hyparquet';
import { getTreePath } from 'hyparquet/src/schema.js';
import { checkPages, MAX_VALUES, type PagedColumn } from '../../../src/shared/parquet/checkPages.ts';

const PLAIN = 0;
const RLE = 3;
const RLE_DICTIONARY = 8;
const ALL = { start: 0, end: Number.POSITIVE_INFINITY };

function column(repetition: 'REQUIRED' | 'OPTIONAL' | 'REPEATED', type: ParquetType = 'INT32'): PagedColumn {
  const schema: SchemaElement[] = [
    { name: 'root', num_children: 1 },
    { name: 'c', type, repetition_type: repetition },
  ];
  const tree = parquetSchema({ schema });
  const metadata = { type, codec: 'UNCOMPRESSED', total_uncompressed_size: 1000n, path_in_schema: ['c'] };
  return { metadata: metadata as unknown as ColumnMetaData, schemaPath: getTreePath(tree, ['c']) };
}

/** Thrift's compact protocol: fields of 32 bits, numbered from 1, and structs of such. */
type Struct = readonly (number | Struct | undefined)[];

function thrift(fields: Struct): number[] {
  let last = 0;
  const bytes = fields.flatMap((field, i) => {
    if (field === undefined) return [];
    const delta = i + 1 - last;
    last = i + 1;
    return typeof field === 'number'
      ? [(delta << 4) | 5, ...varint(((field << 1) ^ (field >> 31)) >>> 0)]
      : [(delta << 4) | 12, ...thrift(field)];
  });
  return [...bytes, 0];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

interface PageSays {
  readonly values: number;
  readonly encoding?: number;
  readonly stored?: number;
  readonly decoded?: number;
}

function pageV1({ values, encoding = PLAIN, ...says }: PageSays, content: number[]): number[] {
  const { stored = content.length, decoded = content.length } = says;
  return [...thrift([0, decoded, stored, undefined, [values, encoding, RLE, RLE]]), ...content];
}

interface PageV2Says extends PageSays {
  readonly rows?: number;
  readonly nulls?: number;
  readonly levels?: readonly [repetition: number, definition: number];
}

function pageV2(says: PageV2Says, content: number[]): number[] {
  const {
    values,
    encoding = PLAIN,
    rows = values,
    nulls = 0,
    levels: [repetition, definition] = [0, 0],
  } = says;
  const header = [values, nulls, rows, encoding, definition, repetition];
  const sizes = [content.length, content.length];
  return [...thrift([3, ...sizes, undefined, undefined, undefined, undefined, header]), ...content];
}

function dictionary(values: number, content: number[]): number[] {
  return [
    ...thrift([2, content.length, content.length, undefined, undefined, undefined, [values, PLAIN]]),
    ...content,
  ];
}

const repeated = (count: number, ...value: number[]) => [...varint(count * 2), ...value];
const packed = (groups: number, ...bytes: number[]) => [...varint(groups * 2 + 1), ...bytes];
const prefixed = (bytes: number[]) => [bytes.length, 0, 0, 0, ...bytes];
const check = (pages: number[], of: PagedColumn, rows = ALL) =>
  checkPages(new Uint8Array(pages).buffer, of, rows);
const int = [1, 0, 0, 0];
const HUGE = 2 ** 30;

const OPTIONAL = column('OPTIONAL');
const REQUIRED = column('REQUIRED');

test('pages that hold what they say are let through, with their contents', () => {
  const two = pageV1({ values: 2 }, [...prefixed(repeated(2, 1)), ...int, ...int]);
  assert.deepEqual(
    [...check([...two, ...two], OPTIONAL).values()].map(({ length }) => length),
    [14, 14],
  );
  // One null of three, in a packed run that is filled up to eight.
  check(pageV1({ values: 3 }, [...prefixed(packed(1, 0b101)), ...int, ...int]), OPTIONAL);
  const indices = pageV1({ values: 3, encoding: RLE_DICTIONARY }, [
    ...prefixed(packed(1, 0b101)),
    1,
    ...repeated(2, 0),
  ]);
  check([...dictionary(1, int), ...indices], OPTIONAL);
  check(pageV2({ values: 2, nulls: 1, levels: [0, 2] }, [...packed(1, 0b01), ...int]), OPTIONAL);
  check(pageV1({ values: 2, encoding: RLE }, prefixed(repeated(2, 1))), column('REQUIRED', 'BOOLEAN'));
  const lists = [...prefixed(packed(1, 0b10)), ...prefixed(repeated(3, 1)), ...int, ...int, ...int];
  check(pageV1({ values: 3 }, lists), column('REPEATED'));
});

const LIES: Readonly<Record<string, readonly [pages: number[], column: PagedColumn, says: RegExp]>> = {
  'a run of levels longer than its page': [
    pageV1({ values: 2 }, [...prefixed(repeated(HUGE, 1)), ...int, ...int]),
    OPTIONAL,
    /run of 1073741824 values in a page of 2/,
  ],
  'a run of levels in a page of version 2': [
    pageV2({ values: 2, levels: [0, 6] }, [...repeated(HUGE, 1), ...int, ...int]),
    OPTIONAL,
    /run of 1073741824 values in a page of 2/,
  ],
  'a run of repetitions': [
    pageV1({ values: 1 }, [...prefixed(repeated(HUGE, 0)), ...prefixed(repeated(1, 1)), ...int]),
    column('REPEATED'),
    /run of 1073741824 values/,
  ],
  'a run of places in a dictionary, after nulls': [
    pageV1({ values: 3, encoding: RLE_DICTIONARY }, [...prefixed(packed(1, 0b101)), 1, ...repeated(3, 0)]),
    OPTIONAL,
    /run of 3 values in a page of 2/,
  ],
  'a run of booleans': [
    pageV1({ values: 2, encoding: RLE }, prefixed(repeated(HUGE, 1))),
    column('REQUIRED', 'BOOLEAN'),
    /run of 1073741824 values/,
  ],
  'packed groups of no bits, which hyparquet would count for ever': [
    pageV2({ values: 2, encoding: RLE_DICTIONARY }, [0, 255, 255, 255, 255, 15]),
    REQUIRED,
    /run of \d+ values in a page of 2/,
  ],
  'packed groups that are not there': [
    pageV1({ values: 40 }, prefixed(packed(5, 255))),
    OPTIONAL,
    /run of 40 values leaves its page/,
  ],
  'more values than may be read at a time': [
    pageV1({ values: MAX_VALUES + 1, encoding: RLE_DICTIONARY }, [0]),
    REQUIRED,
    /pages of 16777217 values, expected at most 16777216/,
  ],
  'such in several pages': [
    [MAX_VALUES, 1].flatMap((values) => pageV1({ values, encoding: RLE_DICTIONARY }, [0])),
    REQUIRED,
    /pages of 16777217 values/,
  ],
  'fewer than no values': [pageV1({ values: -5 }, [0]), REQUIRED, /page of -5 values/],
  'a page longer than its column': [
    pageV1({ values: 1, stored: 50 }, int),
    REQUIRED,
    /page of 50 bytes, found 4/,
  ],
  'a page of a gigabyte': [
    pageV1({ values: 1, decoded: HUGE }, int),
    REQUIRED,
    /page of 1073741824 bytes once/,
  ],
  'other bytes than it says': [
    pageV1({ values: 1, decoded: 8 }, int),
    REQUIRED,
    /page of 8 bytes once .*found 4/,
  ],
  'rows that are not its values': [pageV2({ values: 1, rows: -9 }, int), REQUIRED, /1 values and -9 rows/],
  'more nulls than values': [pageV2({ values: 1, nulls: -9 }, int), OPTIONAL, /1 values, -9 of them null/],
  'levels longer than their page': [
    pageV2({ values: 1, levels: [0, 99] }, int),
    OPTIONAL,
    /page of 4 bytes, its levels of 0 and 99/,
  ],
};

for (const [name, [pages, of, says]] of Object.entries(LIES)) {
  test(`a page that claims too much is refused: ${name}`, () => {
    assert.throws(() => check(pages, of), says);
  });
}

test('pages before and after the wanted rows are not decompressed', () => {
  const good = pageV1({ values: 2 }, [...int, ...int]);
  const notRead = pageV1({ values: 2, decoded: 5 }, [...int, ...int]);
  const pages = [...notRead, ...good, ...notRead];
  assert.equal(check(pages, REQUIRED, { start: 3, end: 4 }).size, 1);
  const otherRows = pageV2({ values: 2, rows: 9 }, [...int, ...int]);
  assert.throws(() => check([...otherRows, ...good], REQUIRED, { start: 3, end: 4 }), /2 values and 9 rows/);
  assert.throws(() => check(pages, REQUIRED, { start: 3, end: 5 }), /once decompressed/);
});

/**
 * Reads an Arrow IPC file whose content is not trusted. The library believes what a file says of itself: a footer that
 * points at the wrong message keeps it looping for ever, and a batch may claim more rows than it has bytes. Here every
 * batch is taken by its number, once, and its columns are measured before anybody walks over them.
 */
import { type Data, DataType, RecordBatchFileReader, RecordBatchReader, Table } from 'apache-arrow';
import { checkArrowStructure } from './arrowStructure.ts';

/** Columns inside columns: the tables of posecast have one level, lists of numbers. */
const MAX_DEPTH = 4;

/**
 * The file as a table of views into `bytes`. Throws a plain Error that says what is wrong; the caller knows the file.
 */
export function readArrowFile(bytes: Uint8Array): Table {
  checkArrowStructure(bytes);
  const reader = RecordBatchReader.from(bytes);
  if (!(reader instanceof RecordBatchFileReader))
    throw new Error('expected an Arrow file, found another form');
  reader.open();
  const { schema, numRecordBatches } = reader;
  const batches = [];
  for (let index = 0; index < numRecordBatches; index++) {
    const batch = reader.readRecordBatch(index);
    if (batch === null)
      throw new Error(`expected ${numRecordBatches} record batches, found no batch ${index}`);
    if (batch.data.children.length !== schema.fields.length) {
      throw new Error(`expected ${schema.fields.length} columns, found ${batch.data.children.length}`);
    }
    for (const column of batch.data.children) {
      if (column.length !== batch.numRows)
        throw new Error(`expected columns of ${batch.numRows} rows, found one of ${column.length}`);
      checkColumn(column, 0);
    }
    batches.push(batch);
  }
  return new Table(schema, batches);
}

/** Throws unless the buffers hold what the column says it has. */
function checkColumn(column: Data, depth: number): void {
  const { type, length, offset } = column;
  const end = offset + length;
  if (!Number.isSafeInteger(end) || length < 0 || offset < 0) {
    throw new Error(`expected a column of 0 rows or more, found ${length} from row ${offset} on`);
  }
  if (depth > MAX_DEPTH)
    throw new Error(`expected at most ${MAX_DEPTH} columns inside one another, found more`);
  // An empty bitmap: nothing is null.
  const bitmap = column.nullBitmap?.length ?? 0;
  if (bitmap > 0) expect(bitmap * 8, end, 'null bits');
  if (DataType.isUtf8(type)) checkText(column, end);
  else if (DataType.isFixedSizeList(type)) {
    const [items] = column.children;
    if (items === undefined) throw new Error('expected a list with a column of items, found none');
    expect(type.listSize, 1, 'item or more a row');
    expect(items.length, end * type.listSize, 'items');
    checkColumn(items, depth + 1);
  } else if (DataType.isFloat(type) || DataType.isInt(type)) {
    expect(column.values?.length ?? 0, end, 'values');
  } else throw new Error(`column of a type that posecast does not write: ${type}`);
}

/** Offsets ascend and end inside the text. */
function checkText({ valueOffsets, values }: Data, end: number): void {
  expect(valueOffsets?.length ?? 0, end === 0 ? 0 : end + 1, 'offsets');
  let before = 0;
  for (let row = 0; row <= end && end > 0; row++) {
    const at = valueOffsets[row]!;
    if (at < before) throw new Error(`text offset ${at} of row ${row} comes after ${before}`);
    before = at;
  }
  expect(values?.length ?? 0, before, 'bytes of text');
}

function expect(found: number, needed: number, what: string): void {
  if (found < needed) throw new Error(`expected ${needed} ${what}, found ${found}`);
}

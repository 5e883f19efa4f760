/** The posture bank: posture codes with their poses, the targets that variants are generated at. */
import {
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { IntegrityError } from '../shared/errors.ts';
import { POSTURE_DIM } from '../shared/face.ts';
import { readArrowFile } from '../shared/table/arrowFile.ts';

/** Row i of every column is one posture. Postures come from training people only. */
export interface PostureBank {
  readonly ids: readonly string[];
  /** n × 512, row-major. */
  readonly codes: Float32Array;
  /** Degrees. */
  readonly yaw: Float32Array;
  readonly pitch: Float32Array;
  readonly roll: Float32Array;
}

const item = new Field('item', new Float32(), false);
const SCHEMA = new Schema([
  new Field('posture_id', new Utf8(), false),
  new Field('yaw', new Float32(), false),
  new Field('pitch', new Float32(), false),
  new Field('roll', new Float32(), false),
  new Field('code', new FixedSizeList(POSTURE_DIM, item), false),
]);

/** The bank as an uncompressed Arrow IPC file. */
export function encodePostureBank(bank: PostureBank): Uint8Array {
  const { ids } = bank;
  const values = makeData({ type: new Float32(), data: bank.codes });
  const codes = makeData({ type: new FixedSizeList(POSTURE_DIM, item), length: ids.length, child: values });
  const columns = [
    vectorFromArray([...ids], new Utf8()).data[0]!,
    makeData({ type: new Float32(), data: bank.yaw }),
    makeData({ type: new Float32(), data: bank.pitch }),
    makeData({ type: new Float32(), data: bank.roll }),
    codes,
  ];
  const struct = makeData({ type: new Struct(SCHEMA.fields), length: ids.length, children: columns });
  return tableToIPC(new Table([new RecordBatch(SCHEMA, struct)]), 'file');
}

/** Reads a bank; IntegrityError when the bytes are not one. `path` is for the message. */
export function decodePostureBank(bytes: Uint8Array, path: string): PostureBank {
  const bad = (problem: string, cause?: unknown) =>
    new IntegrityError('bad-posture-bank', `posture bank is not valid: ${problem}`, { path }, cause);
  let table: Table;
  try {
    table = readArrowFile(bytes);
  } catch (error) {
    throw bad('not an Arrow file', error);
  }
  const names = table.schema.fields.map((field) => `${field.name}: ${field.type}`).join(', ');
  const expected = SCHEMA.fields.map((field) => `${field.name}: ${field.type}`).join(', ');
  if (names !== expected) throw bad(`expected columns ${expected}, found ${names}`);
  const count = table.numRows;
  if (count === 0) throw bad('it is empty');
  const column = (name: string) => Float32Array.from(table.getChild(name)!.toArray() as Float32Array);
  const codes = new Float32Array(count * POSTURE_DIM);
  let row = 0;
  for (const chunk of table.getChild('code')!.data) {
    const child = chunk.children[0]!;
    const values = child.values as Float32Array;
    codes.set(values.subarray(chunk.offset * POSTURE_DIM, (chunk.offset + chunk.length) * POSTURE_DIM), row);
    row += chunk.length * POSTURE_DIM;
  }
  const bank = {
    ids: Array.from(table.getChild('posture_id')!, String),
    codes,
    yaw: column('yaw'),
    pitch: column('pitch'),
    roll: column('roll'),
  };
  if (new Set(bank.ids).size !== count) throw bad('a posture id occurs twice');
  for (const name of ['codes', 'yaw', 'pitch', 'roll'] as const) {
    if (!bank[name].every(Number.isFinite)) throw bad(`${name} holds a number that is not finite`);
  }
  return bank;
}

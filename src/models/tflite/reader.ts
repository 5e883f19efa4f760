/**
 * Reads a TensorFlow Lite file into plain objects. Table slots are those of TensorFlow's schema v3
 * (Apache-2.0, https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs);
 * the number in each `slot` call is the field's position in its table.
 */
import { ByteBuffer } from 'flatbuffers';
import { IntegrityError } from '../../shared/errors.ts';

export interface TfliteTensor {
  readonly name: string;
  /** As declared; the batch is usually 1. */
  readonly shape: readonly number[];
  /** TensorType: 0 float32, 2 int32. */
  readonly type: number;
  /** Little-endian values of a constant; undefined for values that are computed. */
  readonly data: Uint8Array | undefined;
}

export interface TfliteOperator {
  /** BuiltinOperator code, e.g. 3 CONV_2D. */
  readonly code: number;
  /** Name of a custom operator. */
  readonly custom: string | undefined;
  /** Tensor indices; -1: left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: TfliteOptions;
}

/** Fields of an operator's option table by slot. */
export interface TfliteOptions {
  int8(slot: number): number;
  int32(slot: number, fallback: number): number;
  bool(slot: number): boolean;
}

export interface TfliteGraph {
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A flatbuffer table: fields by slot. */
class Table {
  readonly #buffer: ByteBuffer;
  readonly #position: number;

  constructor(buffer: ByteBuffer, position: number) {
    this.#buffer = buffer;
    this.#position = position;
  }

  /** Absolute position of a field, 0 when it is absent. */
  #at(slot: number): number {
    const offset = this.#buffer.__offset(this.#position, 4 + 2 * slot);
    return offset === 0 ? 0 : this.#position + offset;
  }

  int8(slot: number): number {
    const at = this.#at(slot);
    return at === 0 ? 0 : this.#buffer.readInt8(at);
  }

  bool(slot: number): boolean {
    return this.int8(slot) !== 0;
  }

  int32(slot: number, fallback: number): number {
    const at = this.#at(slot);
    return at === 0 ? fallback : this.#buffer.readInt32(at);
  }

  table(slot: number): Table | undefined {
    const at = this.#at(slot);
    return at === 0 ? undefined : new Table(this.#buffer, this.#buffer.__indirect(at));
  }

  string(slot: number): string | undefined {
    const bytes = this.bytes(slot);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  bytes(slot: number): Uint8Array | undefined {
    const at = this.#at(slot);
    if (at === 0) return undefined;
    const vector = this.#buffer.__indirect(at);
    const start = vector + 4;
    const end = start + this.#buffer.readUint32(vector);
    const all = this.#buffer.bytes();
    if (end > all.length) throw new RangeError(`vector ends at ${end} of ${all.length} bytes`);
    return all.subarray(start, end);
  }

  ints(slot: number): number[] {
    const at = this.#at(slot);
    if (at === 0) return [];
    const vector = this.#buffer.__indirect(at);
    return Array.from({ length: this.#count(vector) }, (_, i) => this.#buffer.readInt32(vector + 4 + 4 * i));
  }

  tables(slot: number): Table[] {
    const at = this.#at(slot);
    if (at === 0) return [];
    const vector = this.#buffer.__indirect(at);
    return Array.from(
      { length: this.#count(vector) },
      (_, i) => new Table(this.#buffer, this.#buffer.__indirect(vector + 4 + 4 * i)),
    );
  }

  #count(vector: number): number {
    const count = this.#buffer.readUint32(vector);
    if (vector + 4 + 4 * count > this.#buffer.capacity()) throw new RangeError(`vector of ${count} items`);
    return count;
  }
}

/** Parses a file with one subgraph. Throws IntegrityError when it is not TFLite or is cut off. */
export function readTflite(bytes: Uint8Array): TfliteGraph {
  const buffer = new ByteBuffer(bytes);
  try {
    if (bytes.length < 8 || new TextDecoder().decode(bytes.subarray(4, 8)) !== 'TFL3') {
      throw new RangeError('no TFL3 mark at byte 4');
    }
    return readGraph(new Table(buffer, buffer.readInt32(0)));
  } catch (error) {
    throw new IntegrityError(
      'not-tflite',
      'file is not a complete TFLite model',
      { bytes: bytes.length },
      error,
    );
  }
}

function readGraph(model: Table): TfliteGraph {
  const codes = model.tables(1).map((table) => ({
    // Codes up to 126 may be only in the old one-byte field.
    code: Math.max(table.int8(0), table.int32(3, 0)),
    custom: table.string(1),
  }));
  const buffers = model.tables(4);
  const subgraphs = model.tables(2);
  const [subgraph] = subgraphs;
  if (subgraph === undefined || subgraphs.length !== 1) {
    throw new RangeError(`expected one subgraph, found ${subgraphs.length}`);
  }
  return {
    tensors: subgraph.tables(0).map((table) => ({
      name: table.string(3) ?? '',
      shape: table.ints(0),
      type: table.int8(1),
      data: constantData(buffers[table.int32(2, 0)]?.bytes(0)),
    })),
    inputs: subgraph.ints(1),
    outputs: subgraph.ints(2),
    operators: subgraph.tables(3).map((table) => {
      const operatorCode = codes[table.int32(0, 0)];
      if (operatorCode === undefined) throw new RangeError('operator without a code');
      const options: TfliteOptions = table.table(4) ?? NO_OPTIONS;
      return { ...operatorCode, inputs: table.ints(1), outputs: table.ints(2), options };
    }),
  };
}

const NO_OPTIONS: TfliteOptions = { int8: () => 0, int32: (_slot, fallback) => fallback, bool: () => false };

/** Computed tensors point at an empty buffer. */
function constantData(data: Uint8Array | undefined): Uint8Array | undefined {
  return data === undefined || data.length === 0 ? undefined : data;
}

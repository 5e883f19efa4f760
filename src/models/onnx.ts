/**
 * Reading and writing ONNX files: the protobuf messages as typed objects, and small builders for graphs that
 * posecast writes itself. Names follow onnx.proto in camelCase.
 */
import protobuf from 'protobufjs';
import { IntegrityError } from '../shared/errors.ts';
import { ONNX_SCHEMA } from './onnxSchema.ts';

/** An int64 as protobufjs gives it (a Long) or as posecast writes it (a safe integer). */
export type Int64 = number | { toNumber(): number };

/** TensorProto.DataType, the values posecast meets. */
export const DATA_TYPE = { float32: 1, int32: 6, int64: 7, float16: 10 } as const;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

/** Values are in `rawData` (little-endian, row-major) or, rarely, in the typed list of `dataType`. */
export interface OnnxTensor {
  name: string;
  dims: readonly Int64[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: readonly number[];
  int32Data?: readonly number[];
  int64Data?: readonly Int64[];
  /** Non-empty when the values are in another file. */
  externalData?: readonly { key: string; value: string }[];
}

export interface OnnxAttribute {
  name: string;
  type: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: OnnxTensor;
  g?: OnnxGraph;
  floats?: readonly number[];
  ints?: readonly Int64[];
}

export interface OnnxNode {
  opType: string;
  name: string;
  domain?: string;
  input: readonly string[];
  output: readonly string[];
  attribute: readonly OnnxAttribute[];
}

/** `dimParam` names a free dimension; neither set: unknown. */
export interface OnnxDimension {
  dimValue?: Int64;
  dimParam?: string;
}

export interface OnnxValueInfo {
  name: string;
  type: { tensorType?: { elemType: number; shape?: { dim: readonly OnnxDimension[] } } | null } | null;
}

export interface OnnxGraph {
  name: string;
  node: readonly OnnxNode[];
  initializer: readonly OnnxTensor[];
  input: readonly OnnxValueInfo[];
  output: readonly OnnxValueInfo[];
  valueInfo: readonly OnnxValueInfo[];
}

/** The lists are read-only because protobufjs shares one frozen empty list: replace them, never push. */
export interface OnnxModel {
  irVersion: Int64;
  producerName?: string;
  opsetImport: readonly { domain: string; version: Int64 }[];
  graph: OnnxGraph;
  metadataProps?: readonly { key: string; value: string }[];
}

const modelType = protobuf.Root.fromJSON(ONNX_SCHEMA).lookupType('ModelProto');

/** Parses an ONNX file. Throws IntegrityError when the bytes are not a model with a graph. */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  let message: unknown;
  try {
    const reader = protobuf.Reader.create(bytes);
    reader.discardUnknown = false;
    message = modelType.decode(reader);
  } catch (error) {
    throw new IntegrityError('not-onnx', 'file is not a complete ONNX model', { bytes: bytes.length }, error);
  }
  // protobufjs types every message alike; the schema above is what makes the fields these.
  const model = message as OnnxModel;
  if (model.graph === null || model.graph === undefined || model.graph.node.length === 0) {
    throw new IntegrityError('not-onnx', 'file is not an ONNX model: it has no graph', {
      bytes: bytes.length,
    });
  }
  return model;
}

export function encodeModel(model: OnnxModel): Uint8Array {
  return modelType.encode(model).finish();
}

export function int64ToNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber();
}

export function tensorDims(tensor: OnnxTensor): number[] {
  return tensor.dims.map(int64ToNumber);
}

/** A value's declared shape: numbers where fixed, the name (or '?') where free; undefined when undeclared. */
export function valueShape(value: OnnxValueInfo): (number | string)[] | undefined {
  return value.type?.tensorType?.shape?.dim.map((dim) => {
    if (dim.dimParam) return dim.dimParam;
    const size = int64ToNumber(dim.dimValue ?? 0);
    return size > 0 ? size : '?';
  });
}

/** Values of a float32 tensor, copied. Throws IntegrityError when it is of another type or kept elsewhere. */
export function float32Values(tensor: OnnxTensor): Float32Array {
  if (tensor.dataType !== DATA_TYPE.float32 || (tensor.externalData?.length ?? 0) > 0) {
    throw new IntegrityError('bad-onnx-tensor', 'expected a float32 tensor inside the file', {
      tensor: tensor.name,
      dataType: tensor.dataType,
    });
  }
  const raw = tensor.rawData;
  if (raw === undefined || raw.length === 0) return Float32Array.from(tensor.floatData ?? []);
  // A copy, because protobuf fields start at any byte and a Float32Array only at multiples of 4.
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
}

/** Values of an int64 tensor that all fit a number exactly or saturate (INT64_MAX as "to the end"). */
export function int64Values(tensor: OnnxTensor): number[] {
  const raw = tensor.rawData;
  if (raw === undefined || raw.length === 0) return (tensor.int64Data ?? []).map(int64ToNumber);
  return Array.from(
    new BigInt64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength)),
    Number,
  );
}

function toBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Tensor of the array's own type; `dims` must multiply to its length. */
export function makeTensor(
  name: string,
  dims: readonly number[],
  values: Float32Array | Int32Array | BigInt64Array,
): OnnxTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== values.length) {
    throw new RangeError(
      `tensor ${name}: dims [${dims.join(',')}] hold ${count} values, got ${values.length}`,
    );
  }
  const dataType =
    values instanceof Float32Array
      ? DATA_TYPE.float32
      : values instanceof Int32Array
        ? DATA_TYPE.int32
        : DATA_TYPE.int64;
  return { name, dims: [...dims], dataType, rawData: toBytes(values) };
}

/** Tensor of shape constants (the second input of Reshape, axes of Slice …). */
export function makeInt64Tensor(name: string, values: readonly number[]): OnnxTensor {
  return makeTensor(name, [values.length], BigInt64Array.from(values, BigInt));
}

export const intAttribute = (name: string, value: number): OnnxAttribute => ({
  name,
  type: ATTRIBUTE_TYPE.int,
  i: value,
});
export const intsAttribute = (name: string, values: readonly number[]): OnnxAttribute => ({
  name,
  type: ATTRIBUTE_TYPE.ints,
  ints: [...values],
});
export const floatAttribute = (name: string, value: number): OnnxAttribute => ({
  name,
  type: ATTRIBUTE_TYPE.float,
  f: value,
});
export const stringAttribute = (name: string, value: string): OnnxAttribute => ({
  name,
  type: ATTRIBUTE_TYPE.string,
  s: new TextEncoder().encode(value),
});

/** A node of the default operator set, named after its first output. */
export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly OnnxAttribute[] = [],
): OnnxNode {
  return { opType, name: `${opType}:${output[0] ?? ''}`, input: [...input], output: [...output], attribute };
}

/** A graph input or output; a string in `shape` is a free dimension's name, e.g. ['N', 3, 112, 112]. */
export function makeValueInfo(
  name: string,
  shape: readonly (number | string)[],
  elemType: number = DATA_TYPE.float32,
): OnnxValueInfo {
  const dim = shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export interface GraphParts {
  name: string;
  inputs: readonly OnnxValueInfo[];
  outputs: readonly OnnxValueInfo[];
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  /** Default operator set. @default 17 (LayerNormalization exists from 17 on) */
  opset?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** A complete model, IR version 8 (read by ONNX Runtime ≥ 1.10 up to opset 17). */
export function makeModel(parts: GraphParts): OnnxModel {
  return {
    irVersion: 8,
    producerName: 'posecast',
    opsetImport: [{ domain: '', version: parts.opset ?? 17 }],
    graph: {
      name: parts.name,
      node: parts.nodes,
      initializer: parts.initializers,
      input: parts.inputs,
      output: parts.outputs,
      valueInfo: [],
    },
    metadataProps: Object.entries(parts.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
}

/**
 * The part of onnx.proto (ONNX 1.16, proto2, Apache-2.0, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto)
 * that posecast reads or writes. Field numbers are the format. Fields that are not listed here, such as
 * the functions of a model, survive a decode–encode round trip untouched: `decodeModel` has protobufjs keep them.
 *
 * proto2 is said of every message, because it decides what is written: an attribute that is 0 is there. protobufjs
 * takes a message without an edition for proto3 and leaves zeros out; ONNX Runtime reads that, OpenCV and onnx.checker
 * refuse it.
 */
import type { IField, INamespace, IType } from 'protobufjs';

const packed = { packed: true };

const message = (fields: Record<string, IField>): IType & { edition: string } => ({
  edition: 'proto2',
  fields,
});

export const ONNX_SCHEMA: INamespace = {
  nested: {
    ModelProto: message({
      irVersion: { type: 'int64', id: 1 },
      producerName: { type: 'string', id: 2 },
      producerVersion: { type: 'string', id: 3 },
      graph: { type: 'GraphProto', id: 7 },
      opsetImport: { rule: 'repeated', type: 'OperatorSetIdProto', id: 8 },
      metadataProps: { rule: 'repeated', type: 'StringStringEntryProto', id: 14 },
    }),
    OperatorSetIdProto: message({ domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } }),
    StringStringEntryProto: message({ key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } }),
    GraphProto: message({
      node: { rule: 'repeated', type: 'NodeProto', id: 1 },
      name: { type: 'string', id: 2 },
      initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
      input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
      output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      valueInfo: { rule: 'repeated', type: 'ValueInfoProto', id: 13 },
    }),
    NodeProto: message({
      input: { rule: 'repeated', type: 'string', id: 1 },
      output: { rule: 'repeated', type: 'string', id: 2 },
      name: { type: 'string', id: 3 },
      opType: { type: 'string', id: 4 },
      attribute: { rule: 'repeated', type: 'AttributeProto', id: 5 },
      domain: { type: 'string', id: 7 },
    }),
    AttributeProto: message({
      name: { type: 'string', id: 1 },
      f: { type: 'float', id: 2 },
      i: { type: 'int64', id: 3 },
      s: { type: 'bytes', id: 4 },
      t: { type: 'TensorProto', id: 5 },
      g: { type: 'GraphProto', id: 6 },
      floats: { rule: 'repeated', type: 'float', id: 7, options: { packed: false } },
      ints: { rule: 'repeated', type: 'int64', id: 8, options: { packed: false } },
      strings: { rule: 'repeated', type: 'bytes', id: 9 },
      type: { type: 'int32', id: 20 },
    }),
    TensorProto: message({
      dims: { rule: 'repeated', type: 'int64', id: 1, options: { packed: false } },
      dataType: { type: 'int32', id: 2 },
      floatData: { rule: 'repeated', type: 'float', id: 4, options: packed },
      int32Data: { rule: 'repeated', type: 'int32', id: 5, options: packed },
      int64Data: { rule: 'repeated', type: 'int64', id: 7, options: packed },
      name: { type: 'string', id: 8 },
      rawData: { type: 'bytes', id: 9 },
      externalData: { rule: 'repeated', type: 'StringStringEntryProto', id: 13 },
      dataLocation: { type: 'int32', id: 14 },
    }),
    ValueInfoProto: message({ name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } }),
    TypeProto: message({ tensorType: { type: 'TensorTypeProto', id: 1 } }),
    TensorTypeProto: message({
      elemType: { type: 'int32', id: 1 },
      shape: { type: 'TensorShapeProto', id: 2 },
    }),
    TensorShapeProto: message({ dim: { rule: 'repeated', type: 'DimensionProto', id: 1 } }),
    DimensionProto: message({ dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } }),
  },
};

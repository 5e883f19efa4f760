import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  decodeModel,
  encodeModel,
  float32Values,
  int64Values,
  intAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  tensorDims,
  valueShape,
} from '../../src/models/onnx.ts';

function gemmRelu(weights: Float32Array, bias: Float32Array) {
  return makeModel({
    name: 'gemm-relu',
    inputs: [makeValueInfo('x', ['N', 3])],
    outputs: [makeValueInfo('y', ['N', 2])],
    nodes: [
      makeNode('Gemm', ['x', 'w', 'b'], ['h'], [intAttribute('transB', 1)]),
      makeNode('Relu', ['h'], ['y']),
    ],
    initializers: [makeTensor('w', [2, 3], weights), makeTensor('b', [2], bias)],
    metadata: { made: 'here' },
  });
}

test('a made Gemm and Relu model runs in ONNX Runtime and computes relu(xW^T + b)', async () => {
  const bytes = encodeModel(gemmRelu(Float32Array.of(1, 2, 3, -1, -2, -3), Float32Array.of(0.5, 0.25)));
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 1, 1, -1, 0, 0), [2, 3]) });
  assert.ok(y);
  assert.deepEqual(y.data, Float32Array.of(6.5, 0, 0, 1.25));
  await session.release();
});

test('encoding and decoding a model gives back every tensor, shape and name', () => {
  const dims = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
  const tensor = dims.chain((shape) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return fc.record({
      shape: fc.constant(shape),
      values: fc.array(fc.float({ noNaN: true }), { minLength: count, maxLength: count }),
    });
  });
  fc.assert(
    fc.property(
      fc.array(tensor, { minLength: 1, maxLength: 5 }),
      fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 6 }),
      (tensors, integers) => {
        const model = makeModel({
          name: 'round trip',
          inputs: [makeValueInfo('x', ['N', 7])],
          outputs: [makeValueInfo('y', ['N', 7])],
          nodes: [makeNode('Identity', ['x'], ['y'])],
          initializers: [
            ...tensors.map((made, i) => makeTensor(`t${i}`, made.shape, Float32Array.from(made.values))),
            makeInt64Tensor('ints', integers),
          ],
        });
        const bytes = encodeModel(model);
        const read = decodeModel(bytes);
        for (const [i, made] of tensors.entries()) {
          const found = read.graph.initializer[i];
          assert.ok(found);
          assert.equal(found.name, `t${i}`);
          assert.deepEqual(tensorDims(found), made.shape);
          assert.deepEqual(float32Values(found), Float32Array.from(made.values));
        }
        assert.deepEqual(
          int64Values(read.graph.initializer[tensors.length] ?? makeInt64Tensor('', [])),
          integers,
        );
        assert.deepEqual(read.graph.input.map(valueShape), [['N', 7]]);
        assert.deepEqual(encodeModel(read), bytes);
      },
    ),
    { numRuns: 100 },
  );
});

/** A length-delimited protobuf field: an id below 16 or not, at most 127 bytes. */
const field = (id: number, content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content);
  const tag = id < 16 ? [(id << 3) | 2] : [((id << 3) & 0x7f) | 0x82, id >> 4];
  return Buffer.concat([Buffer.of(...tag, bytes.length), bytes]);
};

test('what the schema does not list survives reading and writing: a function of the model’s own runs', async () => {
  const add = Buffer.concat([field(1, 'x'), field(1, 'x'), field(2, 'y'), field(4, 'Add')]);
  const opset = Buffer.concat([field(1, ''), Buffer.of(0x10, 17)]);
  const parts = [field(1, 'Twice'), field(4, 'x'), field(5, 'y'), field(7, add), field(9, opset)];
  const model = makeModel({
    name: 'twice',
    inputs: [makeValueInfo('x', ['N', 1])],
    outputs: [makeValueInfo('y', ['N', 1])],
    nodes: [{ ...makeNode('Twice', ['x'], ['y']), domain: 'my' }],
    initializers: [],
  });
  const opsetImport = [...model.opsetImport, { domain: 'my', version: 1 }];
  const functions = field(25, Buffer.concat([...parts, field(10, 'my')]));
  const bytes = Buffer.concat([encodeModel({ ...model, opsetImport }), functions]);
  const session = await InferenceSession.create(encodeModel(decodeModel(bytes)), { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1.5, -2), [2, 1]) });
  assert.deepEqual(y?.data, Float32Array.of(3, -4));
  await session.release();
});

test('a list of doubles survives reading and writing', () => {
  // TensorProto: dims [1], dataType DOUBLE, double_data [0.5].
  const doubles = field(10, new Uint8Array(Float64Array.of(0.5).buffer));
  const tensor = Buffer.concat([Buffer.of(0x08, 1, 0x10, 11), doubles]);
  const node = Buffer.concat([field(2, 'y'), field(4, 'Identity')]);
  const bytes = field(7, Buffer.concat([field(1, node), field(5, tensor)]));
  assert.ok(Buffer.from(encodeModel(decodeModel(bytes))).includes(doubles));
});

test('bytes that are not an ONNX model are refused', () => {
  assert.throws(() => decodeModel(Buffer.from('<!DOCTYPE html><html></html>')), { code: 'not-onnx' });
  const whole = encodeModel(gemmRelu(new Float32Array(6), new Float32Array(2)));
  assert.throws(() => decodeModel(whole.subarray(0, whole.length >> 1)), { code: 'not-onnx' });
});

test('an attribute that is zero is still there after writing and reading, as proto2 wants', () => {
  // An int attribute `axis` of 0, as other writers put it: name, i = 0, type = INT.
  const axis = Buffer.of(0x0a, 4, 0x61, 0x78, 0x69, 0x73, 0x18, 0, 0xa0, 0x01, 2);
  const model = gemmRelu(new Float32Array(6), new Float32Array(2));
  const made = encodeModel({
    ...model,
    graph: { ...model.graph, node: [makeNode('Gather', ['x', 'w'], ['y'], [intAttribute('axis', 0)])] },
  });
  assert.ok(Buffer.from(made).includes(axis), 'written');
  assert.ok(Buffer.from(encodeModel(decodeModel(made))).includes(axis), 'read and written again');
});

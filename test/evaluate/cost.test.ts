import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkCost } from '../../src/evaluate/cost.ts';
import {
  DATA_TYPE,
  encodeModel,
  intAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxModel,
} from '../../src/models/onnx.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('a network costs what its convolution and its matrix product multiply, for one item', () =>
  withTempFolder(async (folder) => {
    const model = makeModel({
      name: 'small',
      inputs: [makeValueInfo('x', ['N', 3, 8, 8])],
      outputs: [makeValueInfo('y', ['N', 5])],
      nodes: [
        makeNode('Conv', ['x', 'kernel'], ['c']),
        makeNode('Relu', ['c'], ['r']),
        makeNode('Flatten', ['r'], ['f']),
        makeNode('MatMul', ['f', 'matrix'], ['y']),
      ],
      initializers: [
        makeTensor('kernel', [4, 3, 3, 3], new Float32Array(108).fill(0.1)),
        makeTensor('matrix', [144, 5], new Float32Array(720).fill(0.1)),
      ],
    });
    const path = join(folder, 'small.onnx');
    await writeFile(path, encodeModel(model));
    const { parameters, multiplyAdds, weightBytes, perSecond } = await networkCost(path);
    assert.equal(parameters, 108 + 720);
    assert.equal(weightBytes, 4 * parameters);
    // 4 maps of 6 × 6, 27 products each; then 144 × 5.
    assert.equal(multiplyAdds, 4 * 36 * 27 + 720);
    assert.ok(perSecond! > 0);
  }));

/** A convolution and the mean of its answers, of pictures of this size. */
function pooled(...size: (number | string)[]): OnnxModel {
  return makeModel({
    name: 'pooled',
    inputs: [makeValueInfo('x', ['N', 3, ...size])],
    outputs: [makeValueInfo('y', ['N', 4, 1, 1])],
    nodes: [makeNode('Conv', ['x', 'kernel'], ['c']), makeNode('GlobalAveragePool', ['c'], ['y'])],
    initializers: [makeTensor('kernel', [4, 3, 3, 3], new Float32Array(108).fill(0.1))],
  });
}

async function costOf(model: OnnxModel, folder: string, shape?: readonly (number | string)[]) {
  const path = join(folder, 'network.onnx');
  await writeFile(path, encodeModel(model));
  return await networkCost(path, shape);
}

test('a network that computes in float16 between a float32 input and output costs as many multiplications, and half the bytes', () =>
  withTempFolder(async (folder) => {
    const model = pooled(8, 8);
    const { graph } = model;
    const [conv, pool] = graph.node;
    graph.node = [
      makeNode('Cast', ['x'], ['x16'], [intAttribute('to', DATA_TYPE.float16)]),
      { ...conv!, input: ['x16', 'kernel'] },
      { ...pool!, output: ['y16'] },
      makeNode('Cast', ['y16'], ['y'], [intAttribute('to', DATA_TYPE.float32)]),
    ];
    // 0x2e66 is 0.1.
    const rawData = new Uint8Array(new Uint16Array(108).fill(0x2e66).buffer);
    graph.initializer = [{ name: 'kernel', dims: [4, 3, 3, 3], dataType: DATA_TYPE.float16, rawData }];
    const { parameters, multiplyAdds, weightBytes } = await costOf(model, folder);
    assert.deepEqual([parameters, weightBytes, multiplyAdds], [108, 216, 4 * 36 * 27]);
  }));

test('a network that takes pictures of any size costs what the size of the registry costs', () =>
  withTempFolder(async (folder) => {
    const { multiplyAdds } = await costOf(pooled('height', 'width'), folder, ['N', 3, 8, 8]);
    assert.equal(multiplyAdds, 4 * 36 * 27);
  }));

test('what cannot be measured of a network is null, and what can be counted is told', () =>
  withTempFolder(async (folder) => {
    // Nobody says the size, and a picture of one pixel is too small.
    const { perSecond, ...counted } = await costOf(pooled('height', 'width'), folder);
    assert.equal(perSecond, null);
    assert.deepEqual(counted, { parameters: 108, weightBytes: 432, multiplyAdds: null });
  }));

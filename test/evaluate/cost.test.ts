import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkCost } from '../../src/evaluate/cost.ts';
import { encodeModel, makeModel, makeNode, makeTensor, makeValueInfo } from '../../src/models/onnx.ts';
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodeModel,
  intAttribute,
  intsAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxNode,
} from '../../src/models/onnx.ts';
import { rewritePRelu } from '../../src/models/preluConvs.ts';
import { largestDifference, openNoise, runGraph } from './runGraph.ts';

const noise = openNoise('prelu');

interface Layer {
  readonly slopes: Float32Array;
  readonly depthwise: boolean;
  /** Something else reads the convolution's output too. */
  readonly readTwice: boolean;
}

/** Convolution 16 → 16, PRelu, and a 1×1 convolution behind it. */
function layer({ slopes, depthwise, readTwice }: Layer) {
  const nodes: OnnxNode[] = [
    makeNode(
      'Conv',
      ['x', 'w', 'b'],
      ['c'],
      [intsAttribute('kernel_shape', [3, 3]), intAttribute('group', depthwise ? 16 : 1)],
    ),
    makeNode('PRelu', ['c', 'slope'], ['p']),
    makeNode('Conv', ['p', 'v'], [readTwice ? 'q' : 'y'], [intsAttribute('kernel_shape', [1, 1])]),
    ...(readTwice ? [makeNode('Add', ['q', 'c'], ['y'])] : []),
  ];
  return makeModel({
    name: 'layer',
    inputs: [makeValueInfo('x', ['N', 16, 9, 9])],
    outputs: [makeValueInfo('y', ['N', 16, 7, 7])],
    nodes,
    initializers: [
      makeTensor('w', [16, depthwise ? 1 : 16, 3, 3], noise(16 * 9 * (depthwise ? 1 : 16))),
      makeTensor('b', [16], noise(16)),
      makeTensor('slope', [16, 1, 1], slopes),
      makeTensor('v', [16, 16, 1, 1], noise(256)),
    ],
  });
}

test('a rewritten PRelu computes the same, for any slopes, after any convolution', async () => {
  const slopes = fc
    .array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 16, maxLength: 16 })
    .map((values) => Float32Array.from(values));
  const input = noise(2 * 16 * 81);
  await fc.assert(
    fc.asyncProperty(
      fc.record({ slopes, depthwise: fc.boolean(), readTwice: fc.boolean() }),
      async (made) => {
        const model = layer(made);
        const before = await runGraph(encodeModel(model), input, [2, 16, 9, 9]);
        assert.equal(rewritePRelu(model.graph), 1);
        assert.ok(model.graph.node.every(({ opType }) => opType !== 'PRelu'));
        const after = await runGraph(encodeModel(model), input, [2, 16, 9, 9]);
        assert.ok(largestDifference(before, after) < 1e-4);
      },
    ),
    { numRuns: 40 },
  );
});

test('a PRelu that is not one slope a channel behind a convolution stays', () => {
  const shared = layer({ slopes: noise(16), depthwise: false, readTwice: false });
  shared.graph.initializer = shared.graph.initializer.map((tensor) =>
    tensor.name === 'slope' ? makeTensor('slope', [1], noise(1)) : tensor,
  );
  const before = encodeModel(shared);
  assert.equal(rewritePRelu(shared.graph), 0);
  assert.deepEqual(encodeModel(shared), before);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupOfConv } from '../../src/models/convolutions.ts';
import { padDepthwise } from '../../src/models/depthwisePadding.ts';
import {
  encodeModel,
  intAttribute,
  intsAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/models/onnx.ts';
import { largestDifference, openNoise, runGraph } from './runGraph.ts';

const noise = openNoise('padding');

interface Layer {
  /** Channels of the depthwise convolutions, one behind the other with an ordinary one between them. */
  readonly channels: readonly number[];
  readonly bias: boolean;
  readonly between: 'Relu' | 'Clip' | 'MaxPool' | 'Softmax' | undefined;
  /** A second ordinary convolution reads what the first depthwise one reads. */
  readonly branch: boolean;
  /** One tensor is the weights of two depthwise convolutions. */
  readonly sharedWeights?: boolean;
  /** What a depthwise convolution reads leaves the graph as well. */
  readonly leaves?: boolean;
}

const SIDE = 9;
const ENDS = 5;

/** Ordinary → (operator) → depthwise → ordinary → (operator) → depthwise → … → ordinary. */
function layers({ channels, bias, between, branch, sharedWeights, leaves }: Layer): OnnxModel {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const conv = (x: string, y: string, [inputs, outputs, side]: [number, number, number], group = 1): void => {
    const weights = group > 1 && sharedWeights ? 'shared' : `${y}/w`;
    if (!initializers.some(({ name }) => name === weights)) {
      initializers.push(
        makeTensor(
          weights,
          [outputs, inputs / group, side, side],
          noise((outputs * inputs * side * side) / group),
        ),
      );
    }
    if (bias) initializers.push(makeTensor(`${y}/b`, [outputs], noise(outputs)));
    const kernel = [intsAttribute('kernel_shape', [side, side]), intAttribute('group', group)];
    const pads = side === 3 ? [intsAttribute('pads', [1, 1, 1, 1])] : [];
    nodes.push(makeNode('Conv', [x, weights, ...(bias ? [`${y}/b`] : [])], [y], [...kernel, ...pads]));
  };
  let from = 'x';
  let count = ENDS;
  channels.forEach((wide, i) => {
    conv(from, `made${i}`, [count, wide, 1]);
    let wider = `made${i}`;
    if (between === 'Clip') {
      initializers.push(
        makeTensor(`low${i}`, [], Float32Array.of(0.25)),
        makeTensor(`high${i}`, [], Float32Array.of(6)),
      );
      nodes.push(makeNode('Clip', [wider, `low${i}`, `high${i}`], [`between${i}`]));
    } else if (between === 'MaxPool') {
      const window = [intsAttribute('kernel_shape', [3, 3]), intsAttribute('pads', [1, 1, 1, 1])];
      nodes.push(makeNode('MaxPool', [wider], [`between${i}`], window));
    } else if (between !== undefined) {
      nodes.push(makeNode(between, [wider], [`between${i}`]));
    }
    if (between !== undefined) wider = `between${i}`;
    conv(wider, `depthwise${i}`, [wide, wide, 3], wide);
    if (branch && i === 0) conv(wider, 'branch', [wide, ENDS, 1]);
    from = `depthwise${i}`;
    count = wide;
  });
  conv(from, branch ? 'last' : 'y', [count, ENDS, 1]);
  if (branch) nodes.push(makeNode('Add', ['last', 'branch'], ['y']));
  return makeModel({
    name: 'depthwise',
    inputs: [makeValueInfo('x', ['N', ENDS, SIDE, SIDE])],
    outputs: [
      makeValueInfo('y', ['N', ENDS, SIDE, SIDE]),
      ...(leaves ? [makeValueInfo('made0', ['N', channels[0]!, SIDE, SIDE])] : []),
    ],
    nodes,
    initializers,
  });
}

const depthwiseChannels = (model: OnnxModel): number[] =>
  model.graph.node.filter((node) => groupOfConv(node) > 1).map(groupOfConv);

test('padded depthwise convolutions fill their blocks, and the graph computes the same', async () => {
  const made = fc.record({
    channels: fc.array(fc.integer({ min: 11, max: 70 }), { minLength: 1, maxLength: 3 }),
    bias: fc.boolean(),
    between: fc.constantFrom(undefined, 'Relu' as const, 'Clip' as const, 'MaxPool' as const),
    branch: fc.boolean(),
  });
  const input = noise(2 * ENDS * SIDE * SIDE);
  const dims = [2, ENDS, SIDE, SIDE];
  await fc.assert(
    fc.asyncProperty(made, async (layer) => {
      const model = layers(layer);
      const before = await runGraph(encodeModel(model), input, dims);
      assert.equal(padDepthwise(model.graph), layer.channels.filter((count) => count % 16 > 0).length);
      assert.deepEqual(
        depthwiseChannels(model),
        layer.channels.map((count) => Math.ceil(count / 16) * 16),
      );
      const after = await runGraph(encodeModel(model), input, dims);
      const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      assert.ok(largestDifference(before, after) / largest < 1e-5);
    }),
    { numRuns: 60 },
  );
});

test('weights that two depthwise convolutions share are padded for each', async () => {
  const model = layers({
    channels: [20, 20],
    bias: true,
    between: 'Relu',
    branch: false,
    sharedWeights: true,
  });
  const input = noise(ENDS * SIDE * SIDE);
  const before = await runGraph(encodeModel(model), input, [1, ENDS, SIDE, SIDE]);
  assert.equal(padDepthwise(model.graph), 2);
  const after = await runGraph(encodeModel(model), input, [1, ENDS, SIDE, SIDE]);
  assert.ok(largestDifference(before, after) < 1e-4);
});

const plain = { channels: [20], bias: true, between: undefined, branch: false } as const;
for (const [what, made] of [
  ['fill their blocks already', { ...plain, channels: [16, 48] }],
  ['are so few that more would be padding', { ...plain, channels: [3, 7] }],
  ['pass through an operator that may mix them', { ...plain, between: 'Softmax' }],
  ['leave the graph', { ...plain, leaves: true }],
] as const satisfies readonly (readonly [string, Layer])[]) {
  test(`channels that ${what} stay as they are`, () => {
    const model = layers(made);
    const before = encodeModel(model);
    assert.equal(padDepthwise(model.graph), 0);
    assert.deepEqual(encodeModel(model), before);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rewriteShuffles } from '../../src/models/channelShuffles.ts';
import {
  encodeModel,
  intAttribute,
  intsAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeValueInfo,
  type OnnxModel,
  type OnnxNode,
} from '../../src/models/onnx.ts';
import { openNoise, runGraph } from './runGraph.ts';

const noise = openNoise('shuffle');

interface Layer {
  readonly groups: number;
  readonly each: number;
  /** Where the channels are split in two, and how the split says so; undefined: they are not. */
  readonly split?: { readonly first: number; readonly by: 'attribute' | 'input' };
  /** The first axis of both reshapes. */
  readonly batch?: number;
  /** Height and width after the shuffle, where it changes them. */
  readonly picture?: readonly [number, number];
  readonly order?: readonly number[];
  /** Something else reads what is transposed. */
  readonly readTwice?: boolean;
}

const HEIGHT = 2;
const WIDTH = 3;

/** A shuffle; the parts of a split leave the graph in turned order, so that each of them counts. */
function layer(made: Layer): OnnxModel {
  const { groups, each, split, batch = 0, picture = [HEIGHT, WIDTH], order = [0, 2, 1, 3, 4] } = made;
  const channels = groups * each;
  const sizes = split && [split.first, channels - split.first];
  const bySizes = split?.by === 'attribute' ? [intsAttribute('split', sizes!)] : [];
  const nodes: OnnxNode[] = [
    makeNode('Reshape', ['x', 'grouped'], ['g']),
    makeNode('Transpose', ['g'], ['t'], [intsAttribute('perm', order)]),
    makeNode('Reshape', ['t', 'flat'], [split === undefined ? 'y' : 's']),
  ];
  if (split !== undefined) {
    nodes.push(
      makeNode(
        'Split',
        split.by === 'input' ? ['s', 'sizes'] : ['s'],
        ['a', 'b'],
        [intAttribute('axis', 1), ...bySizes],
      ),
      makeNode('Concat', ['b', 'a'], ['y'], [intAttribute('axis', 1)]),
    );
  }
  const outputs = [makeValueInfo('y', ['N', channels, ...picture])];
  if (made.readTwice) outputs.push(makeValueInfo('t', ['N', each, groups, HEIGHT, WIDTH]));
  return makeModel({
    name: 'shuffle',
    inputs: [makeValueInfo('x', ['N', channels, HEIGHT, WIDTH])],
    outputs,
    nodes,
    initializers: [
      makeInt64Tensor('grouped', [batch, groups, each, HEIGHT, WIDTH]),
      makeInt64Tensor('flat', [batch, batch === 0 ? -1 : channels, ...picture]),
      ...(sizes === undefined ? [] : [makeInt64Tensor('sizes', sizes)]),
    ],
    // The sizes of a split are an attribute until 12, and an input from then on.
    opset: split?.by === 'attribute' ? 11 : 17,
  });
}

test('a rewritten shuffle moves the same channels to the same places, to the bit', async () => {
  const layers = fc
    .record({ groups: fc.integer({ min: 1, max: 4 }), each: fc.integer({ min: 1, max: 5 }) })
    .filter(({ groups, each }) => groups * each > 1)
    .chain((sizes) => {
      const first = fc.integer({ min: 1, max: sizes.groups * sizes.each - 1 });
      const split = fc.record({ first, by: fc.constantFrom('attribute' as const, 'input' as const) });
      return fc.record({
        ...{ groups: fc.constant(sizes.groups), each: fc.constant(sizes.each) },
        batch: fc.constantFrom(0, -1, 2),
        split: fc.option(split, { nil: undefined }),
      });
    });
  await fc.assert(
    fc.asyncProperty(layers, async (made) => {
      const model = layer({ ...made, ...(made.split && { split: made.split }) } as Layer);
      const dims = [2, made.groups * made.each, HEIGHT, WIDTH];
      const input = noise(dims.reduce((a, b) => a * b));
      const before = await runGraph(encodeModel(model), input, dims);
      assert.equal(rewriteShuffles(model.graph), 1);
      assert.ok(model.graph.node.every(({ opType }) => !['Transpose', 'Split'].includes(opType)));
      assert.deepEqual(await runGraph(encodeModel(model), input, dims), before);
    }),
    { numRuns: 60 },
  );
});

for (const [what, made] of [
  ['another order of axes', { groups: 2, each: 3, order: [0, 2, 1, 4, 3], picture: [WIDTH, HEIGHT] }],
  ['another picture', { groups: 2, each: 3, picture: [WIDTH, HEIGHT] }],
  ['a value in its middle that leaves the graph', { groups: 2, each: 3, readTwice: true }],
] as const satisfies readonly (readonly [string, Layer])[]) {
  test(`what looks like a shuffle, but has ${what}, stays`, () => {
    const model = layer(made);
    const before = encodeModel(model);
    assert.equal(rewriteShuffles(model.graph), 0);
    assert.deepEqual(encodeModel(model), before);
  });
}

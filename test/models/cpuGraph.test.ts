import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forCpu } from '../../src/models/cpuGraph.ts';
import {
  encodeModel,
  intAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from '../../src/models/onnx.ts';
import { fileOf, largestDifference, openNoise, runGraph } from './runGraph.ts';

const noise = openNoise('networks');

const NETWORKS = [
  { name: 'fr-feature', shape: [3, 112, 112] },
  { name: 'mobilefacenet-192', shape: [3, 112, 112] },
  { name: 'fr-pose', shape: [3, 224, 224] },
] as const;

for (const { name, shape } of NETWORKS) {
  test(`${name} answers the same as it is opened on a CPU, to 1e-5 of its answer`, async () => {
    const published = await fileOf(name);
    const rewritten = forCpu(published);
    assert.notEqual(rewritten, published);
    const [channels, height, width] = shape;
    const pictures = noise(2 * channels * height * width);
    const before = await runGraph(published, pictures, [2, ...shape]);
    const after = await runGraph(rewritten, pictures, [2, ...shape]);
    const norm = Math.hypot(...before.subarray(0, before.length / 2));
    assert.ok(largestDifference(before, after) / norm < 1e-5);
  });
}

test('a network in which there is nothing to rewrite is opened as it is', async () => {
  for (const name of ['fr-detect', 'fr-landmark']) {
    const published = await fileOf(name);
    assert.equal(forCpu(published), published);
  }
});

test('a network of a fixed batch that lists its weights among its inputs, as old exporters do, is rewritten and runs', async () => {
  const shapes = {
    first: [24, 3, 1, 1],
    slopes: [24, 1, 1],
    second: [24, 24, 1, 1],
    middle: [24, 1, 3, 3],
    last: [2, 24, 1, 1],
  };
  const weights = Object.entries(shapes).map(([name, shape]) =>
    makeTensor(name, shape, noise(shape.reduce((product, size) => product * size, 1))),
  );
  const model = makeModel({
    name: 'old',
    inputs: [
      makeValueInfo('x', [2, 3, 8, 8]),
      ...Object.entries(shapes).map(([name, shape]) => makeValueInfo(name, shape)),
    ],
    outputs: [makeValueInfo('y', [2, 2, 6, 6])],
    nodes: [
      makeNode('Conv', ['x', 'first'], ['a']),
      makeNode('PRelu', ['a', 'slopes'], ['b']),
      makeNode('Conv', ['b', 'second'], ['c']),
      makeNode('Conv', ['c', 'middle'], ['d'], [intAttribute('group', 24)]),
      makeNode('Conv', ['d', 'last'], ['y']),
    ],
    initializers: weights,
    opset: 9,
  });
  const published = encodeModel({ ...model, irVersion: 3 });
  const rewritten = forCpu(published);
  assert.notEqual(rewritten, published);
  const pictures = noise(2 * 3 * 64);
  const before = await runGraph(published, pictures, [2, 3, 8, 8]);
  assert.ok(largestDifference(before, await runGraph(rewritten, pictures, [2, 3, 8, 8])) < 1e-5);
});

test('what is no model is refused, and not opened as it is', () => {
  assert.throws(() => forCpu(Buffer.from('a Conv, but no model')), { code: 'not-onnx' });
});

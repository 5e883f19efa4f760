import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forCpu } from '../../src/models/cpuGraph.ts';
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

test('what is no model is refused, and not opened as it is', () => {
  assert.throws(() => forCpu(Buffer.from('a Conv, but no model')), { code: 'not-onnx' });
});

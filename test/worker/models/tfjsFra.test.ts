import assert from 'node:assert/strict';
import { test } from 'node:test';
import { locateFraModel, openFraModel } from '../../../src/fra/fraModel.ts';
import { type LandmarkImage, POSTURE_DIM } from '../../../src/shared/face.ts';
import { normalizeInPlace } from '../../../src/shared/l2.ts';
import { drawLandmarkImage } from '../../../src/shared/landmarkImage.ts';
import { randomNormal, seededRandom } from '../../../src/shared/random.ts';
import { openCombiner } from '../../../src/worker/models/combiner.ts';
import { openPostureEncoder } from '../../../src/worker/models/openModels.ts';
import { openTfjsFra } from '../../../src/worker/models/tfjsFra.ts';

const random = seededRandom(5, 'engines');
const cpu = { device: 'cpu', intraOpThreads: 1 } as const;

function drawings(count: number): LandmarkImage[] {
  return Array.from({ length: count }, () =>
    drawLandmarkImage(Float32Array.from({ length: 136 }, () => 20 + 70 * random())),
  );
}

function unitRows(count: number, dim: number): Float32Array {
  const rows = Float32Array.from({ length: count * dim }, () => randomNormal(random));
  for (let i = 0; i < count; i++) normalizeInPlace(rows.subarray(i * dim, (i + 1) * dim));
  return rows;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

for (const name of ['fr-feature', 'mobilefacenet-192']) {
  test(`TensorFlow.js and ONNX Runtime give the same posture codes and variants with ${name}, to 1e-4`, async () => {
    const folder = locateFraModel(name);
    const { paths, card, bank } = await openFraModel(folder);
    const tensorflow = await openTfjsFra(folder, 'cpu');
    const encoder = await openPostureEncoder(paths.encoder, cpu);
    const combiner = await openCombiner(paths.combiner, cpu);
    const images = drawings(3);
    const [codes, others] = [await tensorflow.encoder.encode(images), await encoder.encode(images)];
    for (const [i, code] of codes.entries()) assert.ok(largestDifference(code, others[i]!) < 1e-4);
    assert.ok(codes[0]!.some((value) => value > 0.01));
    const rows = 40;
    const identities = unitRows(rows, card.recognizer.embedDim);
    const postures = bank.codes.slice(0, rows * POSTURE_DIM);
    const variants = await tensorflow.combiner.combine(identities, postures);
    assert.ok(largestDifference(variants, await combiner.combine(identities, postures)) < 1e-4);
    assert.ok(largestDifference(variants, identities) > 0.01, 'variants are no copies');
    await Promise.all([tensorflow.close(), encoder.close(), combiner.close()]);
  });
}

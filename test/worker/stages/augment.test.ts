import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EmbeddedFace, POSTURE_DIM } from '../../../src/shared/face.ts';
import { normalizeInPlace } from '../../../src/shared/l2.ts';
import { variantFaceId } from '../../../src/shared/variantFaceId.ts';
import { augment, type Combine, type PostureTargets } from '../../../src/worker/stages/augment.ts';
import { binTargets } from '../../../src/worker/stages/chooseVariants.ts';

const options = { variants: 4, policy: 'coverage', seed: 1, minSimilarity: 0.5 } as const;

function makeTargets(yaws: readonly number[]): PostureTargets {
  const yaw = Float32Array.from(yaws);
  const zeros = new Float32Array(yaws.length);
  const codes = new Float32Array(yaws.length * POSTURE_DIM);
  for (const i of yaws.keys()) codes[i * POSTURE_DIM] = i;
  return {
    ids: yaws.map((_, i) => `p${i}`),
    codes,
    yaw,
    pitch: zeros,
    roll: zeros,
    bins: binTargets({ yaw, pitch: zeros }),
  };
}

function makeFace(values: readonly number[], yaw = 0): EmbeddedFace {
  const embedding = Float32Array.from(values);
  normalizeInPlace(embedding);
  return {
    facesFound: 1,
    detectionScore: 1,
    pose: { yaw, pitch: 0, roll: 0 },
    landmarks: new Float32Array(136),
    embedding,
  };
}

/** Gives every identity back unchanged. */
const unchanged: Combine = async (pairs) => pairs.map(({ identity }) => identity);

test('every variant names its source, its posture and the pose it was asked for', async () => {
  const targets = makeTargets([-60, -30, 30, 60]);
  const faces = [
    { faceId: 'a/1', face: makeFace([1, 0, 0], -20) },
    { faceId: 'a/2', face: makeFace([1, 0.1, 0], 20) },
  ];
  const [anna] = await augment([{ subjectId: 'anna', faces }], targets, options, unchanged);
  assert.equal(anna!.variants.length, 4);
  assert.deepEqual(new Set(anna!.variants.map((variant) => variant.pose.yaw)), new Set([-60, -30, 30, 60]));
  for (const variant of anna!.variants) {
    assert.equal(variant.faceId, variantFaceId('anna', variant.variant));
    assert.equal(targets.ids[targets.yaw.indexOf(variant.pose.yaw)], variant.postureId);
    assert.equal(variant.sourceFaceId, variant.pose.yaw < 0 ? 'a/1' : 'a/2');
  }
});

test('variants below the similarity gate, and those that are not finite, are dropped and counted', async () => {
  const answers = [
    [1, 0],
    [0, 1],
    [Number.NaN, 0],
    [1, 0.1],
  ];
  const combine: Combine = async () => answers.map((answer) => Float32Array.from(answer));
  const faces = [{ faceId: 'a/1', face: makeFace([1, 0]) }];
  const [anna] = await augment([{ subjectId: 'anna', faces }], makeTargets([30]), options, combine);
  assert.deepEqual(
    anna!.variants.map((variant) => variant.variant),
    [0, 3],
  );
  assert.equal(anna!.variantsRejected, 2);
});

test('several subjects share one call of the combiner and keep their own variants', async () => {
  let calls = 0;
  const combine: Combine = (pairs) => {
    calls++;
    assert.deepEqual(new Set(pairs.map(({ posture }) => posture)), new Set([0, 1, 2]));
    return unchanged(pairs);
  };
  const subjects = [
    { subjectId: 'anna', faces: [{ faceId: 'a/1', face: makeFace([1, 0]) }] },
    { subjectId: 'nobody', faces: [] },
    { subjectId: 'berta', faces: [{ faceId: 'b/1', face: makeFace([0, 1]) }] },
  ];
  const augmented = await augment(subjects, makeTargets([-30, 0, 30]), options, combine);
  assert.equal(calls, 1);
  assert.deepEqual(
    augmented.map((subject) => subject.variants.length),
    [4, 0, 4],
  );
  for (const variant of augmented[2]!.variants) assert.deepEqual([...variant.embedding], [0, 1]);
});

test('somebody with rows of before gets only the variants that are missing, numbered anew, where all of their faces are fewest', async () => {
  const targets = makeTargets([-60, -30, 0, 30, 60]);
  const sum = Float32Array.from([0, 3]);
  const earlier = {
    sum,
    real: [{ yaw: 0, pitch: 0 }],
    variants: [-60, 60].map((yaw) => ({ yaw, pitch: 0 })),
    variantsElsewhere: false,
    firstVariant: 8,
  };
  const faces = [{ faceId: 'a/new', face: makeFace([1, 0], -30) }];
  const any = { ...options, minSimilarity: -1 };
  const [anna] = await augment([{ subjectId: 'anna', faces, earlier }], targets, any, unchanged);
  assert.deepEqual(
    anna!.variants.map(({ variant, faceId }) => [variant, faceId]),
    [8, 9].map((variant) => [variant, variantFaceId('anna', variant)]),
  );
  assert.equal(
    anna!.variants[0]!.pose.yaw,
    30,
    'the only pose that neither rows of before nor new ones have',
  );
  assert.ok(
    Math.abs(anna!.centroid[1]! / anna!.centroid[0]! - 3) < 1e-5,
    'over faces of before and new ones',
  );
  assert.ok(anna!.variants.every(({ sourceFaceId }) => sourceFaceId === 'a/new'));

  const full = { ...earlier, variants: [-60, -30, 30, 60].map((yaw) => ({ yaw, pitch: 0 })) };
  for (const nobody of [full, { ...earlier, variantsElsewhere: true }]) {
    const [nothing] = await augment([{ subjectId: 'anna', faces, earlier: nobody }], targets, any, unchanged);
    assert.deepEqual([nothing!.variants, nothing!.variantsRejected], [[], 0]);
  }
});

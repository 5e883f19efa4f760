/** The shipped FRA model, measured again on the sample people, whom no training has seen. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type FraModel, openFraModel, shippedFraModel } from '../../src/fra/fraModel.ts';
import { subjectDigest } from '../../src/fra/training/splitSubjects.ts';
import { correlation } from '../../src/fra/training/statistics.ts';
import { ensureModels } from '../../src/models/pull.ts';
import { CROP_SIZE, POSTURE_DIM, type ProcessedFace } from '../../src/shared/face.ts';
import { centroid, dot } from '../../src/shared/l2.ts';
import { drawLandmarkImage, intersectionOverUnion } from '../../src/shared/landmarkImage.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openFacePipeline } from '../../src/worker/facePipeline.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';

const SAMPLES = join(packageRoot, 'samples', 'london');
const PIXELS = CROP_SIZE * CROP_SIZE;

let model: FraModel;
let people: Map<string, ProcessedFace[]>;
let encoder: InferenceSession;
let decoder: InferenceSession;
let combiner: InferenceSession;

before(async () => {
  model = await openFraModel(shippedFraModel('fr-feature'));
  const sessionOptions = { intraOpNumThreads: 1, logSeverityLevel: 3 as const };
  encoder = await InferenceSession.create(model.paths.encoder, sessionOptions);
  decoder = await InferenceSession.create(model.paths.decoder, sessionOptions);
  combiner = await InferenceSession.create(model.paths.combiner, sessionOptions);
  people = await samplePeople();
});
after(() => Promise.all([encoder, decoder, combiner].map((session) => session?.release())));

async function samplePeople(): Promise<Map<string, ProcessedFace[]>> {
  const { name } = model.card.recognizer;
  const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer: name });
  const pipeline = await openFacePipeline({
    models,
    aligned: false,
    device: 'cpu',
    intraOpThreads: 1,
  });
  const found = new Map<string, ProcessedFace[]>();
  for (const subject of (await readdir(SAMPLES, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  )) {
    const files = await readdir(join(SAMPLES, subject.name));
    const batch = await Promise.all(
      files.map(async (file) => ({ faceId: file, bytes: await readFile(join(SAMPLES, subject.name, file)) })),
    );
    const outcomes = await pipeline.process(batch);
    found.set(
      subject.name,
      outcomes.flatMap((outcome) => (outcome.status === 'ok' ? [outcome.face] : [])),
    );
  }
  await pipeline.close();
  return found;
}

async function run(
  session: InferenceSession,
  feeds: Record<string, readonly [Float32Array, number[]]>,
): Promise<Float32Array> {
  const tensors = Object.entries(feeds).map(([name, [data, dims]]) => [
    name,
    new Tensor('float32', data, dims),
  ]);
  const outputs = await session.run(Object.fromEntries(tensors) as Record<string, Tensor>);
  return outputs[session.outputNames[0]!]!.data as Float32Array;
}

test('the sample people are not among the training or validation people of the shipped model', () => {
  assert.ok(people.size >= 12);
  const known = new Set(model.card.training.subjectDigests);
  assert.equal(known.size, model.card.training.subjects + model.card.training.validationSubjects);
  for (const subject of people.keys())
    assert.ok(!known.has(subjectDigest(subject)), `${subject} was trained on`);
});

test('the shipped model belongs to the recogniser that the registry has under its name', async () => {
  const { recognizer } = model.card;
  const [found] = await ensureModels([recognizer.name]);
  assert.equal(recognizer.sha256, found!.sourceSha256);
  assert.equal(recognizer.embedDim, found!.entry.embedDim);
});

test('the card states floors that this version promises: IoU ≥ 0.5, right person first for ≥ 90 % of variants', () => {
  const { reconstruction, combiner: combined } = model.card.metrics;
  assert.ok(reconstruction.iou >= 0.5);
  assert.ok(reconstruction.yawCorrelation >= 0.9);
  assert.ok(combined.rank1 >= 0.9);
  assert.ok(combined.similarityToTarget > combined.sourceSimilarityToTarget);
});

test('landmark images of the sample people are redrawn with a mean IoU of at least 0.5', async () => {
  const overlaps: number[] = [];
  for (const face of [...people.values()].flat()) {
    const image = drawLandmarkImage(face.landmarks);
    const codes = await run(encoder, { landmark_image: [image, [1, 1, CROP_SIZE, CROP_SIZE]] });
    const redrawn = await run(decoder, { posture: [codes, [1, POSTURE_DIM]] });
    overlaps.push(intersectionOverUnion(image, redrawn));
  }
  const mean = overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length;
  assert.ok(mean >= 0.5, `mean IoU ${mean} of ${overlaps.length}`);
});

test('the yaw of a posture of the bank can be read from its drawing', async () => {
  const count = model.bank.ids.length;
  const drawn = await run(decoder, { posture: [model.bank.codes, [count, POSTURE_DIM]] });
  // Where the lower middle of the drawing (nose, mouth) lies against the whole face tells the side.
  const sides = Array.from({ length: count }, (_, i) => {
    const image = drawn.subarray(i * PIXELS, (i + 1) * PIXELS);
    return centreX(image, 45, 85, 20, 92) - centreX(image, 0, CROP_SIZE, 0, CROP_SIZE);
  });
  const r = correlation(sides, Array.from(model.bank.yaw));
  assert.ok(Math.abs(r) > 0.5, `correlation ${r}`);
});

/** Mean column of the drawn pixels within rows [top, bottom) and columns [left, right). */
function centreX(image: Float32Array, top: number, bottom: number, left: number, right: number): number {
  let [sum, weight] = [0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const value = image[y * CROP_SIZE + x]! > 0.5 ? 1 : 0;
      sum += value * x;
      weight += value;
    }
  }
  return weight === 0 ? CROP_SIZE / 2 : sum / weight;
}

test('of the variants of the sample people at least 90 % are nearest to their own person', async () => {
  const centroids = new Map(
    [...people].map(([subject, faces]) => [subject, centroid(faces.map(({ embedding }) => embedding))]),
  );
  const postures = Array.from({ length: 30 }, (_, i) => Math.floor((i * model.bank.ids.length) / 30));
  const { embedDim } = model.card.recognizer;
  let [first, kept, total] = [0, 0, 0];
  for (const [subject, faces] of people) {
    const identities = new Float32Array(postures.length * embedDim);
    const codes = new Float32Array(postures.length * POSTURE_DIM);
    postures.forEach((posture, i) => {
      identities.set(faces[i % faces.length]!.embedding, i * embedDim);
      codes.set(
        model.bank.codes.subarray(posture * POSTURE_DIM, (posture + 1) * POSTURE_DIM),
        i * POSTURE_DIM,
      );
    });
    const variants = await run(combiner, {
      identity: [identities, [postures.length, embedDim]],
      posture: [codes, [postures.length, POSTURE_DIM]],
    });
    for (let i = 0; i < postures.length; i++) {
      const variant = variants.subarray(i * embedDim, (i + 1) * embedDim);
      const ranked = [...centroids].sort(([, a], [, b]) => dot(variant, b) - dot(variant, a));
      total++;
      if (ranked[0]![0] === subject) first++;
      if (dot(variant, centroids.get(subject)!) >= model.card.minSimilarity) kept++;
    }
  }
  assert.ok(first / total >= 0.9, `${first} of ${total} variants are nearest to their own person`);
  assert.ok(kept / total >= 0.5, `${kept} of ${total} variants pass the gate of the card`);
});

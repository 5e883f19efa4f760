import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { FaceOutcome, ProcessedFace } from '../../src/shared/face.ts';
import { dot } from '../../src/shared/l2.ts';
import { packageRoot } from '../../src/shared/package.ts';
import {
  type FacePipeline,
  type FacePipelineOptions,
  openFacePipeline,
} from '../../src/worker/facePipeline.ts';
import type { FivePoints } from '../../src/worker/models/detector.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { fivePoints, TEMPLATE } from '../../src/worker/stages/alignTransform.ts';
import { samplePhotographs, sharedFile } from '../helpers/photographs.ts';

const photographs = samplePhotographs();
const photograph = photographs[0]!.bytes;

/** Root mean square distance, in crop pixels, of aligned points from the template. */
function templateError(aligned: FivePoints): number {
  let sum = 0;
  for (let i = 0; i < 10; i++) sum += (aligned[i]! - TEMPLATE[i]!) ** 2;
  return Math.sqrt(sum / 5);
}

async function open(
  detector = 'fr-detect',
  changes: Partial<FacePipelineOptions> = {},
): Promise<FacePipeline> {
  const { models } = await resolvePipelineModels({ detector, recognizer: 'fr-feature' });
  return openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1, ...changes });
}

let pipeline: FacePipeline;
before(async () => {
  pipeline = await open();
});
after(() => pipeline.close());

function ok(outcome: FaceOutcome | undefined): ProcessedFace {
  assert.ok(outcome?.status === 'ok', JSON.stringify(outcome));
  return outcome.face;
}

const processAll = async (images: readonly Uint8Array[], through = pipeline) =>
  through.process(images.map((bytes, i) => ({ faceId: String(i), bytes })));

const processOne = async (bytes: Uint8Array, through = pipeline) =>
  ok((await processAll([bytes], through))[0]);

const landmarkDistance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / 68);

for (const detector of ['fr-detect', 'mtcnn']) {
  test(`${detector}: every pair of one person is closer than any pair of two`, async () => {
    const through = await open(detector);
    const faces = (
      await processAll(
        photographs.map(({ bytes }) => bytes),
        through,
      )
    ).map(ok);
    await through.close();
    const genuine: number[] = [];
    const impostor: number[] = [];
    faces.forEach((a, i) => {
      for (let j = 0; j < i; j++) {
        const same = photographs[i]!.subjectId === photographs[j]!.subjectId;
        (same ? genuine : impostor).push(dot(a.embedding, faces[j]!.embedding));
      }
    });
    assert.ok(Math.min(...genuine) > Math.max(...impostor) + 0.1);
  });
}

test('a frontal face comes out with unit embedding, full crop, one face, and its points on the template', async () => {
  for (const outcome of await processAll(photographs.slice(0, 6).map(({ bytes }) => bytes))) {
    const face = ok(outcome);
    assert.ok(Math.abs(dot(face.embedding, face.embedding) - 1) < 1e-5);
    assert.equal(face.crop.length, 112 * 112 * 3);
    assert.equal(face.landmarks.length, 136);
    assert.equal(face.facesFound, 1);
    assert.ok(face.detectionScore > 0.9 && face.detectionScore <= 1);
    assert.ok(templateError(fivePoints(face.landmarks)) < 6);
    assert.ok(Math.abs(face.pose.yaw) < 15 && Math.abs(face.pose.roll) < 15);
    assert.equal(face.postureCode, undefined);
  }
});

test('a photograph turned by its orientation tag gives the same embedding', async () => {
  const turned = await sharp(photograph).rotate(90).png().toBuffer();
  const tagged = await sharp(turned).withMetadata({ orientation: 8 }).png().toBuffer();
  const [plain, same] = await Promise.all([processOne(photograph), processOne(tagged)]);
  assert.ok(dot(plain.embedding, same.embedding) > 0.9999);
});

test('turning the photograph clockwise raises the roll, and the crop stays upright', async () => {
  const background = '#888';
  const [left, plain, right] = (
    await processAll(
      await Promise.all(
        [-20, 0, 20].map((angle) => sharp(photograph).rotate(angle, { background }).png().toBuffer()),
      ),
    )
  ).map(ok);
  assert.ok(left!.pose.roll < plain!.pose.roll - 10 && plain!.pose.roll + 10 < right!.pose.roll);
  for (const turned of [left!, right!]) {
    assert.ok(dot(turned.embedding, plain!.embedding) > 0.8);
    assert.ok(landmarkDistance(turned.landmarks, plain!.landmarks) < 5);
  }
});

test('mirroring the photograph negates yaw and roll and keeps pitch', async () => {
  const leaning = await sharp(photograph).rotate(15, { background: '#888' }).png().toBuffer();
  const [face, mirrored] = (await processAll([leaning, await sharp(leaning).flop().png().toBuffer()])).map(
    ok,
  );
  assert.ok(Math.abs(face!.pose.yaw + mirrored!.pose.yaw) < 2);
  assert.ok(Math.abs(face!.pose.roll + mirrored!.pose.roll) < 2);
  assert.ok(Math.abs(face!.pose.pitch - mirrored!.pose.pitch) < 2);
});

const turning = sharedFile('data/umist/s03/16.pgm');

test('a face that turns to the image right has positive yaw', { skip: turning.skip }, async () => {
  const { pose } = await processOne(readFileSync(turning.path));
  assert.ok(pose.yaw > 20 && pose.yaw < 70, `yaw ${pose.yaw}`);
});

test('every bad image is rejected with its reason, and the good ones beside it are what they are alone', async () => {
  const noise = Buffer.from({ length: 0 });
  const blank = await sharp({ create: { width: 300, height: 300, channels: 3, background: '#7a9' } })
    .jpeg()
    .toBuffer();
  const images: [string, Uint8Array][] = [
    ['ok', photograph],
    ['truncated', photograph.subarray(0, photograph.length >> 1)],
    ['not-an-image', Buffer.from('a text file named .jpg')],
    ['empty-file', noise],
    ['ok', photographs[2]!.bytes],
    ['no-face', blank],
    ['ok', await sharp(photograph).toColourspace('cmyk').jpeg().toBuffer()],
    ['ok', await sharp(photograph).greyscale().png().toBuffer()],
    ['ok', await sharp(photograph).toColourspace('rgb16').png().toBuffer()],
  ];
  const outcomes = await processAll(images.map(([, bytes]) => bytes));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'ok' ? 'ok' : outcome.rejection.code)),
    images.map(([expected]) => expected),
  );
  const alone = await processOne(photographs[2]!.bytes);
  assert.ok(dot(ok(outcomes[4]).embedding, alone.embedding) > 0.9999);
  for (const i of [6, 7, 8]) assert.ok(dot(ok(outcomes[i]).embedding, ok(outcomes[0]).embedding) > 0.8);
});

test('a face is the same whatever is in work before it, beside it and in another call at the same time', async () => {
  const files = photographs.slice(0, 6).map(({ bytes }) => bytes);
  const alone: FaceOutcome[] = [];
  for (const bytes of files) alone.push(...(await processAll([bytes])));
  const turned = [...files].reverse();
  const [together, reversed] = await Promise.all([processAll(files), processAll(turned)]);
  assert.deepEqual(together, alone);
  assert.deepEqual(reversed.toReversed(), alone);
});

test('no images and only bad images are fine', async () => {
  assert.deepEqual(await processAll([]), []);
  const [outcome] = await processAll([new Uint8Array()]);
  assert.equal(outcome!.status, 'rejected');
});

test('of two faces the larger one is used and both are counted', async () => {
  const small = await sharp(photographs[2]!.bytes).resize(200, 200).toBuffer();
  const both = await sharp({ create: { width: 760, height: 480, channels: 3, background: '#999' } })
    .composite([
      { input: photograph, left: 0, top: 0 },
      { input: small, left: 520, top: 140 },
    ])
    .png()
    .toBuffer();
  const face = await processOne(both);
  assert.equal(face.facesFound, 2);
  assert.ok(dot(face.embedding, (await processOne(photograph)).embedding) > 0.95);
});

for (const [where, left, top, width] of [
  ['aside', 600, 590, 400],
  ['cut off by the edge', 700, 480, 520],
] as const) {
  test(`a face in the middle is used beside a larger one ${where}, and both are counted`, async () => {
    const size = 1000;
    const central = await sharp(photograph).resize(200, 200).png().toBuffer();
    const larger = await sharp(photographs[2]!.bytes)
      .resize(width, width)
      .extract({ left: 0, top: 0, width: Math.min(width, size - left), height: Math.min(width, size - top) })
      .png()
      .toBuffer();
    const both = await sharp({ create: { width: size, height: size, channels: 3, background: '#ddd' } })
      .composite([
        { input: central, left: 400, top: 400 },
        { input: larger, left, top },
      ])
      .png()
      .toBuffer();
    const face = await processOne(both);
    assert.equal(face.facesFound, 2);
    assert.ok(dot(face.embedding, (await processOne(photograph)).embedding) > 0.8);
  });
}

test('a face too small for the first look is found in a large photograph', async () => {
  const small = await sharp(photograph).resize(110, 110).toBuffer();
  const wide = await sharp({ create: { width: 1800, height: 1350, channels: 3, background: '#345' } })
    .composite([{ input: small, left: 1300, top: 200 }])
    .png()
    .toBuffer();
  const face = await processOne(wide);
  assert.ok(dot(face.embedding, (await processOne(photograph)).embedding) > 0.6);
});

test('a crop fed back as an aligned corpus keeps embedding, landmarks and pose, and no other size is a crop', async () => {
  const face = await processOne(photograph);
  const png = await sharp(face.crop, { raw: { width: 112, height: 112, channels: 3 } })
    .png()
    .toBuffer();
  const large = await sharp(png).resize(224, 224).png().toBuffer();
  const wide = await sharp(png).resize(150, 112, { fit: 'fill' }).png().toBuffer();
  const alignedPipeline = await open('fr-detect', { aligned: true });
  const [same, ...refused] = await processAll([png, large, wide], alignedPipeline);
  await alignedPipeline.close();
  assert.ok(dot(ok(same).embedding, face.embedding) > 0.99999);
  assert.deepEqual(ok(same).crop, face.crop);
  assert.ok(landmarkDistance(ok(same).landmarks, face.landmarks) < 3);
  assert.ok(Math.abs(ok(same).pose.yaw - face.pose.yaw) < 5);
  assert.deepEqual([ok(same).facesFound, ok(same).detectionScore], [1, 1]);
  for (const [i, size] of ['224×224', '150×112'].entries()) {
    const outcome = refused[i];
    assert.ok(outcome?.status === 'rejected' && outcome.rejection.code === 'not-a-crop');
    assert.ok(outcome.rejection.message.includes(size), outcome.rejection.message);
  }
});

test('with a FRA encoder every face has a posture code of 512 finite values, alike for alike postures', async () => {
  const encoderPath = join(packageRoot, 'models', 'fra', 'fr-feature', 'encoder.onnx');
  const withEncoder = await open('fr-detect', { encoderPath });
  const codes = (
    await processAll(
      [photograph, await sharp(photograph).png().toBuffer(), photographs[2]!.bytes],
      withEncoder,
    )
  ).map((outcome) => ok(outcome).postureCode!);
  await withEncoder.close();
  const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
  for (const code of codes) {
    assert.equal(code.length, 512);
    assert.ok(code.every(Number.isFinite));
  }
  assert.equal(distance(codes[0]!, codes[1]!), 0);
  assert.ok(distance(codes[0]!, codes[2]!) > 0);
});

test('without networks for landmarks and pose a crop has its embedding and neither; what needs landmarks does not open', async () => {
  const { models } = await resolvePipelineModels(
    { detector: 'fr-detect', recognizer: 'fr-feature' },
    undefined,
    { landmarks: true, pose: true },
  );
  assert.deepEqual(Object.keys(models).sort(), ['detector', 'recognizer']);
  const options = { models, device: 'cpu', intraOpThreads: 1 } as const;
  await assert.rejects(openFacePipeline({ ...options, aligned: false }), /need the landmark network/);
  const crop = await sharp((await processOne(photograph)).crop, {
    raw: { width: 112, height: 112, channels: 3 },
  })
    .png()
    .toBuffer();
  const alone = await openFacePipeline({ ...options, aligned: true });
  const full = await open('fr-detect', { aligned: true });
  const input = [{ faceId: 'crop', bytes: crop }];
  const [[found], [expected]] = await Promise.all([alone.process(input), full.process(input)]);
  await Promise.all([alone.close(), full.close()]);
  assert.ok(found?.status === 'ok' && expected?.status === 'ok');
  assert.deepEqual(found.face.embedding, expected.face.embedding);
  assert.ok(!('pose' in found.face) && !('landmarks' in found.face));
});

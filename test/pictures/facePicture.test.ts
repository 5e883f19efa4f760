import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { drawFace } from '../../src/pictures/facePicture.ts';
import { CROP_SIZE, type LandmarkImage, type ProcessedFace } from '../../src/shared/face.ts';

const pixels = CROP_SIZE * CROP_SIZE;
const face = {
  pose: { yaw: -12, pitch: 3, roll: 1 },
  detectionScore: 0.98,
  facesFound: 1,
  landmarks: new Float32Array(136).fill(50),
  crop: new Uint8Array(3 * pixels).fill(128),
} as unknown as ProcessedFace;

const drawn = (title: string) =>
  drawFace({
    title,
    face,
    landmarkImage: new Float32Array(pixels) as LandmarkImage,
    reconstruction: new Float32Array(pixels),
    iou: 0.5,
  });

test('a title of wide letters has its line for itself, and ends before the edge', async () => {
  const ink = async (title: string) => {
    const { data, info } = await sharp(await drawn(title))
      .extract({ left: 0, top: 0, width: 1_072, height: 30 })
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const dark = [...data].flatMap((value, i) => (value < 200 ? [i % info.width] : []));
    return { pixels: dark.length, right: Math.max(0, ...dark) };
  };
  assert.equal((await ink('')).pixels, 0);
  const { pixels, right } = await ink('W'.repeat(500));
  assert.ok(pixels > 0 && right < 1_072 - 16, `ink up to ${right}`);
});

test('of a path that is too long for its line the end is drawn', async () => {
  const file = 'of-a-file/with-an-ordinary-name/and-a-few-folders/before-it/anna-17.jpg';
  const one = await drawn(`${'a'.repeat(500)}/${file}`);
  assert.ok(one.equals(await drawn(`${'b'.repeat(500)}/${file}`)));
  assert.ok(!one.equals(await drawn(`${'a'.repeat(500)}/${file.replace('17', '18')}`)));
});

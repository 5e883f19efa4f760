import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/shared/random.ts';
import { headShape } from '../../src/training/headModel.ts';
import { chooseParents, inventHead } from '../../src/training/inventPerson.ts';
import { applyStyle, randomStyle } from '../../src/training/photographStyle.ts';
import { openHeadRenderer, openPoseRenderer } from '../../src/training/renderPose.ts';
import type { Raster } from '../../src/worker/models/raster.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

function plainPicture(value: number): Raster {
  return { width: 600, height: 600, data: new Uint8Array(600 * 600 * 3).fill(value) };
}

function frontal(subjectId: string, value: number, eyes: number) {
  return { subjectId, picture: plainPicture(value), landmarks: frontalLandmarks(300, 250, eyes) };
}

test('nobody is made of one person twice, and of at most three', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd')), fc.integer({ min: 0 }), (names, seed) => {
      const parents = chooseParents(
        names.map((subjectId) => ({ subjectId })),
        seededRandom(seed),
      ).map(({ subjectId }) => subjectId);
      assert.equal(new Set(parents).size, parents.length);
      assert.ok(parents.length <= 3);
      assert.ok(parents.length >= Math.min(2, new Set(names).size));
    }),
  );
});

test('an invented head repeats with the seed, and its shape lies between those of its parents', () => {
  const parents = [frontal('a', 40, 80), frontal('b', 200, 80)];
  parents[1]!.landmarks[60]! += 8;
  const [low, high] = parents.map(({ landmarks }) => headShape(landmarks)[60]!) as [number, number];
  for (let seed = 0; seed < 20; seed++) {
    const head = inventHead(parents, seededRandom(seed));
    assert.ok(head.shape[60]! > low && head.shape[60]! < high);
    assert.deepEqual(head.shape, inventHead(parents, seededRandom(seed)).shape);
    assert.ok(head.depthScale >= 0.4 && head.depthScale < 1.7);
  }
});

test('every pixel of a blended face lies between its parents, and a head of one photograph is that photograph', () => {
  const parents = [frontal('a', 40, 80), frontal('b', 200, 80)];
  const head = inventHead(parents, seededRandom(3));
  const { data, width } = openHeadRenderer(head).render({ yaw: 10, pitch: 0 });
  const middle = 3 * (160 * width + width / 2);
  assert.ok(data[middle]! > 42 && data[middle]! < 198, String(data[middle]));
  const alone = openPoseRenderer(parents[0]!.picture, parents[0]!.landmarks).render({ yaw: 0, pitch: 0 });
  assert.equal(alone.data[middle], 40);
});

test('a style shrinks by its blur, keeps plain pictures plain, and takes the colour where it is grey', () => {
  const picture = plainPicture(100);
  picture.data[0] = 255;
  for (let seed = 0; seed < 30; seed++) {
    const style = randomStyle(seededRandom(seed));
    const styled = applyStyle(picture, style);
    assert.equal(styled.width, Math.floor(600 / style.blur));
    assert.equal(styled.data.length, styled.width * styled.height * 3);
    const value = styled.data[3000]!;
    assert.ok(styled.data.subarray(300).every((other) => other === value));
    if (style.grey) assert.equal(styled.data[0], styled.data[1]);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaceRecord } from '../../src/shared/face.ts';
import { inventedNames } from '../../src/training/inventedNames.ts';

test('invented people have names that no person and no photograph of the corpus has', () => {
  const face = (subjectId: string, faceId: string) => ({ subjectId, faceId }) as FaceRecord;
  assert.deepEqual(inventedNames([face('anna', 'anna/1.jpg')], 2), ['invented-0', 'invented-1']);
  const faces = [face('invented-0', 'a.jpg'), face('anna', 'invented-2')];
  assert.deepEqual(inventedNames(faces, 3), ['invented-1', 'invented-3', 'invented-4']);
  assert.deepEqual(inventedNames(faces, 0), []);
});

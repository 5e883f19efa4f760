import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaceRecord } from '../../src/shared/face.ts';
import { listingKey } from '../../src/training/listingKey.ts';

const key = (faces: readonly FaceRecord[], place = '/corpus') => JSON.stringify(listingKey(faces, { place }));

const member: FaceRecord = { faceId: 't.tar/1.jpg', subjectId: 'a', uri: 't.tar', bytes: 10, offset: 512 };
const row: FaceRecord = { faceId: '1', subjectId: 'a', uri: 't.parquet', bytes: 10, row: 0 };

test('a change of anything that tells two photographs apart is another key', () => {
  const changes: readonly [FaceRecord, Partial<FaceRecord>][] = [
    [member, { offset: 1024 }],
    [member, { bytes: 11 }],
    [member, { faceId: 't.tar/2.jpg' }],
    [member, { subjectId: 'b' }],
    [member, { uri: 'u.tar' }],
    [row, { row: 1 }],
    [row, { uri: 'u.parquet' }],
  ];
  for (const [face, change] of changes) {
    assert.notEqual(key([face]), key([{ ...face, ...change }]), JSON.stringify(change));
    assert.equal(key([face]), key([{ ...face }]));
  }
});

test('a corpus with exact sizes may move; lists and tables are told by their place', () => {
  const file: FaceRecord = { faceId: 'a/1.jpg', subjectId: 'a', uri: 'a/1.jpg', bytes: 10 };
  for (const face of [file, member]) assert.equal(key([face], '/there'), key([face], '/here'));
  for (const face of [row, { ...file, bytes: 0 }]) {
    assert.notEqual(key([face], '/there'), key([face], '/here'));
  }
});

test('files in the folder of their person keep the keys that caches of earlier versions have', () => {
  const faces: readonly FaceRecord[] = [
    { faceId: 'a/1.jpg', subjectId: 'a', uri: 'a/1.jpg', bytes: 10 },
    { faceId: 'b/x/2.jpg', subjectId: 'b', uri: 'b/x/2.jpg', bytes: 20 },
  ];
  assert.deepEqual(listingKey(faces, { place: '/corpus' }), { listing: ['a/1.jpg 10', 'b/x/2.jpg 20'] });
});

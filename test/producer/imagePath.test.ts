import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insideImageRoot } from '../../src/producer/readers/imagePath.ts';

const INSIDE: readonly (readonly [root: string, path: string, uri: string | undefined])[] = [
  ['/faces', 'a/1.jpg', 'a/1.jpg'],
  ['/faces', './a//1.jpg', 'a/1.jpg'],
  ['/faces', '/faces/a/1.jpg', 'a/1.jpg'],
  ['/faces', 'a:b/1.jpg', 'a:b/1.jpg'],
  ['/faces', '/elsewhere/1.jpg', undefined],
  ['/faces', '../1.jpg', undefined],
  ['/faces', '', undefined],
  ['/faces', 's3://bucket/faces/1.jpg', undefined],
  ['/faces', 'HTTPS://example.org/1.jpg', undefined],
  ['/faces', 'file:///faces/1.jpg', undefined],
  ['s3://bucket/f', 'x.jpg', 'x.jpg'],
  ['s3://bucket/f', './x.jpg', 'x.jpg'],
  ['s3://bucket/f', 's3://bucket/f/x.jpg', 'x.jpg'],
  ['s3://bucket/f', 'S3://bucket/f/x.jpg', 'x.jpg'],
  ['S3://bucket/f/', 's3://bucket/f/x.jpg', 'x.jpg'],
  ['s3://bucket/f', 's3://Bucket/f/x.jpg', undefined],
  ['s3://bucket/f', 's3://bucket/g/x.jpg', undefined],
  ['s3://bucket/f', '/x.jpg', undefined],
  ['s3://bucket/f', 'https://example.org/x.jpg', undefined],
];

test('a path is taken below the image root, on a disk or in S3, and never from another place', () => {
  for (const [root, path, uri] of INSIDE) assert.equal(insideImageRoot(root, path), uri, `${root} ${path}`);
});

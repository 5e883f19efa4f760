import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsByCode, dataSize, duration, labelledLines } from '../../../src/cli/output/format.ts';
import { count } from '../../../src/shared/text/counted.ts';

test('durations read as a person says them', () => {
  assert.deepEqual([4.2, 59.7, 65, 3725, 86_399, 97_200].map(duration), [
    '4 s',
    '1 min 00 s',
    '1 min 05 s',
    '1 h 02 min',
    '23 h 59 min',
    '1 d 03 h',
  ]);
});

test('sizes go by thousands, up to terabytes', () => {
  assert.deepEqual([0, 950, 25_400, 254_012_345, 40e9, 1.5e12, 2e16].map(dataSize), [
    '0.0 kB',
    '0.9 kB',
    '25.4 kB',
    '254.0 MB',
    '40.0 GB',
    '1.5 TB',
    '20000.0 TB',
  ]);
});

test('counts are grouped by thousands', () => {
  assert.deepEqual([0, 999.6, 1_234_567].map(count), ['0', '1,000', '1,234,567']);
});

test('facts stand in two columns, as wide as the longest label', () => {
  assert.deepEqual(
    labelledLines([
      ['faces', '24'],
      ['to go on', 'posecast run a b'],
    ]),
    ['  faces     24', '  to go on  posecast run a b'],
  );
});

test('codes are counted, the commonest first', () => {
  assert.deepEqual(countsByCode({ crashed: 2, 's3-failed': 1200 }), ['s3-failed 1,200', 'crashed 2']);
});

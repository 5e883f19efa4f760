import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStopwatch } from '../../src/worker/stopwatch.ts';

test('a stage lasts from its first beginning to its last end; times that overlap are summed', async () => {
  const heard: string[] = [];
  const stopwatch = openStopwatch((stage) => heard.push(stage));
  const before = Date.now();
  await Promise.all([
    stopwatch.time('read', () => sleep(40)),
    stopwatch.time('read', () => sleep(80)),
    assert.rejects(
      stopwatch.time('faces', async () => {
        throw new Error('no');
      }),
    ),
  ]);
  stopwatch.add('decode', 7.4);
  stopwatch.add('decode', 7.4);
  const [faces, read, ...none] = stopwatch.spans();
  assert.deepEqual(
    [faces?.stage, read?.stage, none],
    ['faces', 'read', []],
    'what was added has no place in time',
  );
  const { startedAt = 0, endedAt = 0, ms = 0, times } = read ?? {};
  assert.equal(times, 2);
  assert.ok(Math.abs(startedAt - before) < 60, 'by the clock on the wall');
  assert.ok(ms > endedAt - startedAt + 20, `${ms} ms within ${endedAt - startedAt}`);
  assert.deepEqual(heard, ['faces', 'read', 'read', 'decode', 'decode']);
  assert.equal(stopwatch.measured().decode, 14.8);
  assert.equal(stopwatch.totals().decode, 15);
  assert.ok((stopwatch.totals().total ?? 0) >= 79);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, type LiveMode, openLiveLine, type RunProgress } from '../../src/cli/liveLine.ts';

const progress: RunProgress = {
  shardsDone: 1,
  shardsTotal: 4,
  faces: 100,
  facesTotal: 400,
  rejects: 2,
  variants: 300,
};

function record(mode: LiveMode): {
  text: () => string;
  live: ReturnType<typeof openLiveLine>;
  tick: () => void;
} {
  let now = 0;
  let text = '';
  const out = { write: (chunk: string) => (text += chunk), columns: 200 } as unknown as NodeJS.WriteStream;
  const live = openLiveLine({ mode, device: 'cpu', out, clock: () => now });
  return { text: () => text, live, tick: () => (now += 1000) };
}

test('the rate, the share and the time left come from the last samples', () => {
  const { live, text, tick } = record('terminal');
  live.update(progress);
  tick();
  live.update({ ...progress, faces: 200, variants: 1300 });
  const last = text().split('\r').at(-1) ?? '';
  assert.match(last, /50 % · shards 1\/4 · faces 200\/400 \(100\.0\/s\) · variants 1,300 \(1000\/s\)/);
  assert.match(last, /rejects 2 · ETA 2 s · cpu/);
});

test('a log gets a line now and then and always the last state', () => {
  const { live, text, tick } = record('plain');
  for (let i = 0; i < 8; i++) {
    live.update({ ...progress, faces: 100 + i });
    tick();
  }
  assert.equal(text().trimEnd().split('\n').length, 1);
  live.finish();
  assert.match(text().trimEnd().split('\n').at(-1) ?? '', /faces 107\/400/);
});

test('machines get one JSON object a line', () => {
  const { live, text } = record('json');
  live.update(progress);
  live.note('hello');
  const lines = text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  assert.deepEqual(
    lines.map((line) => line.event),
    ['progress', 'note'],
  );
});

test('durations read as a person says them', () => {
  assert.deepEqual([4.2, 65, 3725].map(formatDuration), ['4 s', '1 min 05 s', '1 h 02 min']);
});

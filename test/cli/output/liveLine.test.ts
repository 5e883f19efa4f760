import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openJsonLog } from '../../../src/cli/output/jsonLog.ts';
import { type LiveMode, openLiveLine, type RunProgress } from '../../../src/cli/output/liveLine.ts';
import { keepSecret } from '../../../src/shared/text/secrets.ts';

const progress: RunProgress = {
  shardsDone: 1,
  shardsTotal: 4,
  faces: 100,
  facesTotal: 400,
  rejects: 2,
  variants: 300,
};

function record(
  kind: 'terminal' | 'plain' | 'always' | 'sometimes',
  columns = 200,
): {
  text: () => string;
  live: ReturnType<typeof openLiveLine>;
  tick: () => void;
} {
  let now = 0;
  let text = '';
  const out = { write: (chunk: string) => (text += chunk), columns } as unknown as NodeJS.WriteStream;
  const mode: LiveMode =
    kind === 'always' || kind === 'sometimes' ? { json: openJsonLog(out, 'info'), progress: kind } : kind;
  const live = openLiveLine({ mode, device: 'cpu', out, clock: () => now });
  return { text: () => text, live, tick: () => (now += 1000) };
}

test('the rate, the share and the time left come from the last samples', () => {
  const { live, text, tick } = record('terminal');
  live.update(progress);
  tick();
  live.update({ ...progress, faces: 200, variants: 1300 });
  const last = text().split('\r').at(-1) ?? '';
  assert.match(last, /50 % · ETA 2 s · faces 200\/400 \(100\.0\/s\) · rejects 2 · shards 1\/4/);
  assert.match(last, /variants 1,300 \(1000\/s\) · cpu/);
});

test('a terminal of 80 columns shows a pause, the time left and the rejects, and 100 % only at the end', () => {
  const { live, text } = record('terminal', 80);
  const faces = { faces: 999_999, facesTotal: 1_000_000, rejects: 123_456 };
  live.update({ ...progress, ...faces, variants: 98_100_000, shardsTotal: 19_540, paused: true });
  const last = text().split('\r').at(-1) ?? '';
  assert.match(last, / 99 % · PAUSED · faces 999,999\/1,000,000 \(0\.0\/s\) · rejects 123,456 · /);
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

test('what is said after the end stands on lines of its own, and the end is said once', () => {
  const { live, text } = record('terminal');
  live.update(progress);
  live.finish();
  const before = text().length;
  live.note('run r1 is complete');
  live.finish();
  assert.ok(text().slice(0, before).endsWith('cpu\n'));
  assert.equal(text().slice(before), '\r\x1b[2Krun r1 is complete\n');
  for (const kind of ['plain', 'always'] as const) {
    const log = record(kind);
    log.live.update(progress);
    log.live.finish();
    const ended = log.text();
    log.live.finish();
    assert.equal(log.text(), ended, kind);
  }
});

test('a listing is shown on a terminal while it goes on, and then no more', () => {
  const { live, text, tick } = record('terminal');
  live.listing({ faces: 500, subjects: 25 });
  assert.equal(text(), '', 'most corpora are listed before anybody looks');
  tick();
  live.listing({ faces: 1_000, subjects: 50 });
  assert.equal(text(), '\r\x1b[2Klisting the corpus · 1,000 faces of 50 people (1,000/s)');
  live.listing('done');
  live.note('hello');
  assert.ok(text().endsWith('\r\x1b[2K\r\x1b[2Khello\n'), JSON.stringify(text()));
});

test('a corpus that has to be read to its end first is found, and then listed, each at its own rate', () => {
  const { live, text, tick } = record('terminal');
  for (const subjects of [{}, { subjects: 50 }]) {
    live.listing({ faces: 500, ...subjects });
    tick();
    live.listing({ faces: 1_000, ...subjects });
    tick();
  }
  assert.deepEqual(text().split('\r\x1b[2K').slice(1), [
    'listing the corpus · 1,000 faces found (1,000/s)',
    'listing the corpus · 1,000 faces of 50 people (1,000/s)',
  ]);
});

test('a log gets a line of a listing that takes long', () => {
  const { live, text, tick } = record('plain');
  for (let i = 1; i <= 25; i++) {
    live.listing({ faces: 500 * i, subjects: i });
    tick();
  }
  assert.deepEqual(text().trimEnd().split('\n'), [
    'listing the corpus · 5,500 faces of 11 people (550/s)',
    'listing the corpus · 10,500 faces of 21 people (525/s)',
  ]);
});

const objects = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('machines get one JSON object a line', () => {
  const { live, text } = record('always');
  live.update(progress);
  live.about({ run: 'r1' });
  live.note('hello', { level: 'warn', shard: 3, code: 'no-face' });
  const [first, second] = objects(text());
  assert.equal(first?.event, 'progress');
  assert.equal(first?.faces, 100);
  const { time, pid, ...rest } = second ?? {};
  assert.equal(new Date(String(time)).toISOString(), time);
  assert.equal(pid, process.pid);
  assert.deepEqual(rest, {
    level: 'warn',
    event: 'note',
    run: 'r1',
    shard: 3,
    code: 'no-face',
    message: 'hello',
  });
});

test('a JSON log gets the progress now and then, a program that follows gets all of it', () => {
  for (const [kind, lines] of [
    ['sometimes', 2],
    ['always', 15],
  ] as const) {
    const { live, text, tick } = record(kind);
    for (let i = 0; i < 15; i++) {
      live.update({ ...progress, faces: 100 + i });
      tick();
    }
    assert.equal(objects(text()).length, lines);
  }
});

test('a JSON log gets a listing now and then, a program that follows every second', () => {
  for (const [kind, lines] of [
    ['sometimes', 1],
    ['always', 14],
  ] as const) {
    const { live, text, tick } = record(kind);
    for (let i = 1; i <= 15; i++) {
      live.listing({ faces: 500 * i, subjects: i });
      live.listing({ faces: 500 * i, subjects: i });
      tick();
    }
    const listed = objects(text());
    assert.equal(listed.length, lines);
    const { event, faces, subjects, facesPerSecond } = listed.at(-1) ?? {};
    const last = kind === 'always' ? 15 : 11;
    assert.deepEqual([event, faces, subjects], ['listing', 500 * last, last]);
    assert.equal(facesPerSecond, (500 * last) / (last - 1));
  }
});

test('messages that are less important than the level are left out, and percent signs are left alone', () => {
  const { live, text } = record('plain');
  live.note('shard 1 is committed', { level: 'debug' });
  live.note('50 %s of it', { level: 'error' });
  assert.equal(text(), '50 %s of it\n');
  const json = record('sometimes');
  json.live.note('shard 1 is committed', { level: 'debug' });
  json.live.note('50 %s of it', { level: 'error' });
  assert.deepEqual(
    objects(json.text()).map(({ message }) => message),
    ['50 %s of it'],
  );
});

test('whatever a line or a field says, a JSON log hides secrets and stays one line', () => {
  keepSecret('hunter2-hunter2');
  const { live, text } = record('sometimes');
  live.note('redis://me:hunter2-hunter2@host\nsaid hunter2-hunter2', {
    code: 'hunter2-hunter2',
    face: 'a\u001b[31m/\n.jpg',
  });
  assert.doesNotMatch(text(), /hunter2/);
  const [line] = objects(text());
  assert.equal(line?.message, 'redis://***@host\\nsaid ***');
  assert.deepEqual([line?.code, line?.face], ['***', 'a\\x1b[31m/\\n.jpg']);
});

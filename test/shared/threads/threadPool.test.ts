import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, describeError, ThreadDiedError } from '../../../src/shared/errors.ts';
import { usableCores } from '../../../src/shared/machine/cores.ts';
import { openThreadPool, type ThreadPool } from '../../../src/shared/threads/threadPool.ts';
import type { EchoRequest } from '../../helpers/echoThread.ts';

const file = new URL('../../helpers/echoThread.js', import.meta.url);

async function withPool(
  size: number,
  use: (pool: ThreadPool<EchoRequest, unknown>) => Promise<void>,
): Promise<void> {
  const pool = await openThreadPool<EchoRequest, unknown>({ name: 'echo', file, size, init: {} });
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

test('every request gets its own answer, however many are asked at once', () =>
  withPool(2, async (pool) => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.run({ double: i })));
    assert.deepEqual(
      answers,
      Array.from({ length: 100 }, (_, i) => 2 * i),
    );
  }));

test('of the requests that wait, the lowest turn goes first, and those of a turn as they came', () =>
  withPool(1, async (pool) => {
    const order: string[] = [];
    const ask = (name: string, turn: number) =>
      pool.run({ double: 1 }, [], turn).then(() => order.push(name));
    // The first two are held by the thread already.
    await Promise.all([
      ask('held 1', 2),
      ask('held 2', 2),
      ask('late 1', 2),
      ask('early 1', 1),
      ask('late 2', 2),
      ask('early 2', 1),
      ask('without a turn', 0),
    ]);
    assert.deepEqual(order, ['held 1', 'held 2', 'without a turn', 'early 1', 'early 2', 'late 1', 'late 2']);
  }));

test('a pool that is called off while it opens starts no further threads, and closes those it has', async () => {
  const opened = new Int32Array(new SharedArrayBuffer(4));
  const calledOff = new AbortController();
  const size = 4 * usableCores();
  const watching = setInterval(() => {
    if (Atomics.load(opened, 0) > 0) calledOff.abort(new Error('called off'));
  }, 1);
  const opening = openThreadPool({ name: 'echo', file, size, init: { opened }, signal: calledOff.signal });
  await assert.rejects(opening, /called off/);
  clearInterval(watching);
  assert.ok(opened[0]! < size, `${opened[0]} of ${size} threads were opened`);
});

test('a failed request rejects alone and the thread goes on', () =>
  withPool(1, async (pool) => {
    const [bad, good] = await Promise.allSettled([pool.run({ fail: 'no face' }), pool.run({ double: 4 })]);
    assert.equal(bad.status, 'rejected');
    assert.match(String(bad.status === 'rejected' && bad.reason), /no face/);
    assert.deepEqual(good, { status: 'fulfilled', value: 8 });
  }));

test('a dying thread rejects what is pending and what comes after', () =>
  withPool(1, async (pool) => {
    const pending = await Promise.allSettled([pool.run({ die: true }), pool.run({ double: 1 })]);
    assert.deepEqual(
      pending.map((outcome) => outcome.status),
      ['rejected', 'rejected'],
    );
    await assert.rejects(pool.run({ double: 1 }), { code: 'thread-died' });
  }));

test('whoever asked a thread that died hears which it was and why, and so does who only waits for it', async () => {
  for (const [request, why] of [
    [{ die: true }, /^echo thread: expected it to live .*, found it dead \[thread=1, exitCode=3\]$/],
    [{ crash: 'out of memory' }, /^echo thread: expected .*, found it dead \[thread=1\]: out of memory$/],
  ] as const) {
    await withPool(1, async (pool) => {
      const asked = await pool.run(request).catch((error: unknown) => error);
      assert.ok(asked instanceof ThreadDiedError);
      assert.match(describeError(asked), why);
      assert.equal(await pool.death, asked);
    });
  }
});

test('a thread that dies while it opens is one that died', async () => {
  const opening = openThreadPool({ name: 'echo', file, size: 2, init: { crash: 'no library' } });
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof ThreadDiedError);
    assert.match(describeError(error), /: no library$/);
    return true;
  });
});

test('a thread that cannot open fails the pool with its own kind of error', async () => {
  await assert.rejects(openThreadPool({ name: 'echo', file, size: 2, init: { refuse: true } }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, 'refused');
    return true;
  });
});

test('transferred bytes come back whole and are gone here', () =>
  withPool(1, async (pool) => {
    const bytes = new Uint8Array([1, 2, 3]);
    const back = await pool.run({ bytes }, [bytes.buffer]);
    assert.deepEqual(back, new Uint8Array([1, 2, 3]));
    assert.equal(bytes.byteLength, 0);
  }));

test('closing rejects pending requests', async () => {
  const pool = await openThreadPool<EchoRequest, unknown>({ name: 'echo', file, size: 1, init: {} });
  const pending = Array.from({ length: 5 }, (_, i) => pool.run({ double: i }));
  const settled = Promise.allSettled(pending);
  await pool.close();
  assert.ok((await settled).some((outcome) => outcome.status === 'rejected'));
  await assert.rejects(pool.run({ double: 1 }), { code: 'pool-closed' });
});

test('closing lets each thread finish the requests it holds, and no other', async () => {
  const pool = await openThreadPool<EchoRequest, unknown>({ name: 'echo', file, size: 1, init: {} });
  const finished = [0, 1, 2, 3].map(() => new Int32Array(new SharedArrayBuffer(4)));
  const pending = finished.map((flag) => pool.run({ spinMs: 100, finished: flag }));
  const settled = Promise.allSettled(pending);
  // Long enough for the first to be at work.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await pool.close();
  await settled;
  assert.deepEqual(
    finished.map((flag) => Atomics.load(flag, 0)),
    // Two are held by the thread, the others still wait in the pool.
    [1, 1, 0, 0],
  );
});

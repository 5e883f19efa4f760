import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ConfigError, IntegrityError } from '../../../src/shared/errors.ts';
import { EMPTY_QUEUE, openEmptyQueueWatch } from '../../../src/worker/queue/emptyQueueWatch.ts';

const { waitMs } = EMPTY_QUEUE;
before(() => Object.assign(EMPTY_QUEUE, { waitMs: 0 }));
after(() => Object.assign(EMPTY_QUEUE, { waitMs }));

test('a queue that stays empty is fed again, by one feeder at a time', async () => {
  let started = 0;
  let end = (): void => {};
  const watch = openEmptyQueueWatch(() => {
    started++;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  watch.sawNone();
  watch.sawNone();
  assert.equal(started, 1);
  end();
  await turn();
  watch.sawNone();
  assert.equal(started, 2);
  watch.close();
});

test('a feeder that fails is tried again', async () => {
  let started = 0;
  const watch = openEmptyQueueWatch(async () => {
    started++;
    throw new Error('the store is away');
  });
  watch.sawNone();
  await turn();
  watch.sawNone();
  assert.equal(started, 2);
  watch.close();
});

test('a run that cannot be fed any more is no run to wait for: whoever looks hears of it, and may look again', async () => {
  for (const error of [new IntegrityError('bad-listing', 'damaged'), new ConfigError('no-run', 'gone')]) {
    let started = 0;
    const watch = openEmptyQueueWatch(async () => {
      started++;
      throw error;
    });
    watch.sawNone();
    await turn();
    assert.throws(() => watch.sawNone(), error);
    watch.sawNone();
    assert.equal(started, 2, 'it may have been put right');
    await turn();
    watch.sawWork();
    watch.sawNone();
    assert.equal(started, 3, 'a part of it was queued');
    watch.close();
  }
});

test('a feeder is told when nobody waits for it any more', () => {
  let told: AbortSignal | undefined;
  const watch = openEmptyQueueWatch(async (signal) => {
    told = signal;
  });
  watch.sawNone();
  assert.equal(told?.aborted, false);
  watch.close();
  assert.equal(told?.aborted, true);
});

test('a queue that is empty for a moment is left to whoever feeds it', () => {
  Object.assign(EMPTY_QUEUE, { waitMs: 60_000 });
  const watch = openEmptyQueueWatch(() => assert.fail('fed'));
  watch.sawNone();
  watch.sawWork();
  watch.sawNone();
  watch.close();
  Object.assign(EMPTY_QUEUE, { waitMs: 0 });
});

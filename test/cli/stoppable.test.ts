import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT, Interrupted } from '../../src/cli/exit.ts';
import { stoppable } from '../../src/cli/stoppable.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** As the system would send it; nothing is sent, so that a test which is wrong ends no process. */
function send(name: NodeJS.Signals): void {
  process.emit(name, name);
}

function listeners(): number[] {
  return SIGNALS.map((name) => process.listenerCount(name));
}

test('the first signal aborts the work, and whatever error that makes, the command says that it was stopped', async () => {
  const heard: string[] = [];
  const stopping = { stopped: 'stopped; go on', onStop: (name: string) => heard.push(name) };
  const ended = stoppable(stopping, async (signal) => {
    assert.equal(signal.aborted, false);
    send('SIGTERM');
    assert.equal(signal.aborted, true);
    throw new Error('something closed under the work');
  });
  await assert.rejects(ended, (error) => error instanceof Interrupted && error.message === 'stopped; go on');
  assert.deepEqual(heard, ['SIGTERM']);
});

test('work that is complete in spite of a signal counts', async () => {
  const work = async () => {
    send('SIGINT');
    return 'complete';
  };
  assert.equal(await stoppable({ stopped: 'stopped' }, work), 'complete');
});

test('the second signal ends the process at once, also while things are put away', async (t) => {
  const exit = t.mock.method(process, 'exit', () => {
    throw new Error('ended');
  });
  const ended = stoppable({ stopped: 'stopped' }, async (signal, releasers) => {
    releasers.push('slow thing', () => assert.throws(() => send('SIGINT'), /^Error: ended$/));
    send('SIGINT');
    signal.throwIfAborted();
  });
  await assert.rejects(ended, Interrupted);
  assert.deepEqual(
    exit.mock.calls.map((call) => call.arguments),
    [[EXIT.interrupted]],
  );
});

test('an error without a signal comes out as it is', async () => {
  const error = new Error('disk full');
  const failing = stoppable({ stopped: 'stopped' }, async () => {
    throw error;
  });
  await assert.rejects(failing, (thrown) => thrown === error);
});

test('what is shown is taken away first, then what was opened last is released first, then signals are given back', async () => {
  const before = listeners();
  const order: string[] = [];
  const release = (name: string) => () => {
    assert.notDeepEqual(listeners(), before);
    order.push(name);
  };
  const failing = stoppable(
    { stopped: 'stopped', onError: () => void order.push('line') },
    async (_, releasers) => {
      releasers.push('redis', release('redis'));
      releasers.push('store', release('store'));
      throw new Error('failed');
    },
  );
  await assert.rejects(failing, /^Error: failed$/);
  assert.deepEqual(order, ['line', 'store', 'redis']);
  assert.deepEqual(listeners(), before);
});

test('what was opened is released after work that succeeds, and nothing is taken away', async () => {
  const order: string[] = [];
  await stoppable({ stopped: 'stopped', onError: () => void order.push('line') }, async (_, releasers) => {
    releasers.push('store', () => void order.push('store'));
  });
  assert.deepEqual(order, ['store']);
});

/** What becomes of a shard after an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnrecoverableError } from 'bullmq';
import {
  IntegrityError,
  PermanentShardError,
  StoreUnusableError,
  ThreadDiedError,
} from '../../../src/shared/errors.ts';
import {
  type AfterFailure,
  afterFailure,
  type FailureCircumstances,
} from '../../../src/worker/queue/afterFailure.ts';

/** Nothing is wrong but the shard. */
const after = (error: unknown, circumstances: Partial<FailureCircumstances> = {}): Promise<AfterFailure> =>
  afterFailure(error, {
    threadDied: false,
    toldToStop: false,
    isStoreAway: async () => false,
    ...circumstances,
  });
const isStoreAway = async () => true;
const error = new Error('no');
const full = new StoreUnusableError('disk-full', 'OUT is full');

test('a shard goes back to the queue when it is not what failed', async () => {
  const died = new ThreadDiedError('thread-died', 'model thread 1 died');
  assert.deepEqual(await after(died), { kind: 'hand-back', because: 'thread-died' });
  assert.deepEqual(await after(error, { threadDied: true }), { kind: 'hand-back', because: 'thread-died' });
  assert.deepEqual(await after(error, { toldToStop: true }), { kind: 'hand-back', because: 'told-to-stop' });
  assert.deepEqual(await after(full), { kind: 'hand-back', because: 'store-unusable', error: full });
  assert.deepEqual(await after(error, { isStoreAway }), { kind: 'hand-back', because: 'store-away' });
});

test('a death of a thread comes before the stop that it causes, a stop before what the store says', async () => {
  const because = async (thrown: unknown, circumstances: Partial<FailureCircumstances>) => {
    const found = await after(thrown, { isStoreAway, ...circumstances });
    return found.kind === 'hand-back' && found.because;
  };
  assert.equal(await because(full, { threadDied: true, toldToStop: true }), 'thread-died');
  assert.equal(await because(full, { toldToStop: true }), 'told-to-stop');
  assert.equal(await because(full, {}), 'store-unusable');
});

test('the stores are looked at only where the shard would have failed', async () => {
  const asked: unknown[] = [];
  const look = async (thrown: unknown) => {
    asked.push(thrown);
    return false;
  };
  await after(full, { isStoreAway: look });
  await after(error, { isStoreAway: look, toldToStop: true });
  await after(error, { isStoreAway: look, threadDied: true });
  assert.deepEqual(asked, []);
  assert.equal((await after(error, { isStoreAway: look })).kind, 'failed');
  assert.deepEqual(asked, [error]);
});

test('BullMQ is told not to try again what can never succeed, and of a payload that is no shard', async () => {
  const badJob = new PermanentShardError('bad-job', 'queue job is not a shard');
  const [bad, unplanned, damaged] = await Promise.all([
    failed(badJob),
    failed(new PermanentShardError('not-planned', 'queue job is not the shard of the plan')),
    failed(new IntegrityError('truncated', 'listing is truncated')),
  ]);
  assert.ok(bad.error instanceof UnrecoverableError && bad.error.cause === badJob);
  assert.ok(unplanned.error instanceof UnrecoverableError);
  assert.ok(!(damaged.error instanceof UnrecoverableError));
  assert.deepEqual([bad.isBadJob, unplanned.isBadJob, damaged.isBadJob], [true, false, false]);
  assert.deepEqual(bad.failure, { code: 'bad-job', message: 'queue job is not a shard' });
});

test('an error that is none of ours reaches Redis with its code, as one line', async () => {
  const system = Object.assign(new Error('EMFILE: too many open files\n  at open'), { code: 'EMFILE' });
  const { failure, error: told } = await failed(system);
  assert.deepEqual(failure, { code: 'EMFILE', message: 'EMFILE: too many open files' });
  assert.deepEqual({ ...told, message: told.message }, { ...told, code: 'EMFILE', message: failure.message });
  assert.equal(told.cause, system);
});

async function failed(thrown: unknown): Promise<Extract<AfterFailure, { readonly kind: 'failed' }>> {
  const found = await after(thrown);
  assert.ok(found.kind === 'failed');
  return found;
}

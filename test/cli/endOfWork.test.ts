/** How and when the work of a process on a run ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createEndOfWork,
  type EndOfWork,
  type EndOfWorkOptions,
  type WorkNow,
} from '../../src/cli/endOfWork.ts';
import { PosecastError, StoreUnusableError } from '../../src/shared/errors.ts';

const HOUR_MS = 3_600_000;
const busy: WorkNow = { inWork: 1, paused: false, finishing: false };
const idle: WorkNow = { ...busy, inWork: 0 };
const finishing: WorkNow = { ...idle, finishing: true };
const stuck = new PosecastError('not-consuming', 'worker: requested no job');
const cutShort = new Error('the wait was cut short');

function endOfWork(options: Partial<EndOfWorkOptions> = {}): EndOfWork {
  const stop = new AbortController().signal;
  return createEndOfWork({ stop, deadline: undefined, leaveWhenPaused: false, ...options });
}

const inAnHour = () => new Date(Date.now() + HOUR_MS);
/** What the work ends with, once it has been told to end. */
const statusOf = (work: EndOfWork): string | undefined =>
  work.signal.aborted ? work.endOf(cutShort).status : undefined;

test('the first end counts', () => {
  const work = endOfWork();
  assert.equal(statusOf(work), undefined);
  work.endWith({ status: 'drained' });
  work.endWith({ status: 'paused' });
  assert.equal(statusOf(work), 'drained');
});

test('a failure wins over every end, and over the stop of the process', () => {
  const stop = new AbortController();
  const work = endOfWork({ stop: stop.signal });
  work.endWith({ status: 'drained' });
  work.failWith(stuck);
  assert.ok(work.signal.aborted);
  assert.throws(() => work.endOf(cutShort), stuck);
  stop.abort();
  assert.throws(() => work.endOf(cutShort), stuck);
});

test('an OUT that takes nothing more is an end, but not once the process is stopped', () => {
  const stop = new AbortController();
  const full = new StoreUnusableError('disk-full', 'OUT is full');
  const work = endOfWork({ stop: stop.signal });
  work.endWith({ status: 'drained' });
  assert.deepEqual(work.endOf(full), { status: 'store-unusable', code: 'disk-full', message: 'OUT is full' });
  stop.abort();
  assert.throws(() => work.endOf(full), full);
});

test('an error that no end has caused is thrown on', () => {
  assert.throws(() => endOfWork().endOf(cutShort), cutShort);
});

test('without a deadline every shard may start, and nothing is judged late', () => {
  const work = endOfWork();
  assert.ok(work.mayStart(Infinity));
  work.judge(idle);
  assert.equal(statusOf(work), undefined);
});

test('a shard that would end after the deadline does not start, nor any after it; those in work are waited for', () => {
  const deadline = inAnHour();
  const work = endOfWork({ deadline });
  assert.ok(work.mayStart(undefined), 'nobody knows how long it takes');
  assert.ok(work.mayStart(HOUR_MS / 2));
  work.judge(idle);
  assert.equal(statusOf(work), undefined);
  assert.ok(!work.mayStart(HOUR_MS * 2));
  assert.ok(!work.mayStart(1));
  work.judge(busy);
  assert.equal(statusOf(work), undefined);
  work.judge(idle);
  assert.deepEqual(work.endOf(cutShort), { status: 'deadline', deadline: deadline.toISOString() });
});

test('at the deadline itself nothing is waited for', () => {
  const work = endOfWork({ deadline: new Date(Date.now() - 1) });
  work.judge(busy);
  assert.equal(statusOf(work), 'deadline');
});

test('a drain ends when nothing is in work, the last step of the run included', () => {
  const work = endOfWork();
  assert.ok(work.drainWithin(HOUR_MS));
  for (const now of [busy, finishing]) work.judge(now);
  assert.equal(statusOf(work), undefined);
  work.judge(idle);
  assert.equal(statusOf(work), 'drained');
  assert.ok(!work.drainOver.aborted, 'there is time for a last look');
});

test('a drain ends when its time is over, whatever is in work; it is asked for once', () => {
  const work = endOfWork();
  assert.ok(work.drainWithin(0));
  assert.ok(!work.drainWithin(HOUR_MS));
  work.judge(busy);
  assert.equal(statusOf(work), 'drained');
  assert.ok(work.drainOver.aborted);
});

test('the time of a drain runs out also after another end', () => {
  const work = endOfWork({ leaveWhenPaused: true });
  work.judge({ ...idle, paused: true });
  assert.equal(statusOf(work), 'paused');
  work.drainWithin(0);
  work.judge(idle);
  assert.ok(work.drainOver.aborted);
  assert.equal(statusOf(work), 'paused');
});

test('a paused run is left when nothing is in work, by those who leave paused runs', () => {
  const paused = { ...idle, paused: true };
  const staying = endOfWork();
  staying.judge(paused);
  assert.equal(statusOf(staying), undefined);
  const leaving = endOfWork({ leaveWhenPaused: true });
  for (const now of [idle, { ...paused, inWork: 1 }, { ...paused, finishing: true }]) leaving.judge(now);
  assert.equal(statusOf(leaving), undefined);
  leaving.judge(paused);
  assert.equal(statusOf(leaving), 'paused');
});

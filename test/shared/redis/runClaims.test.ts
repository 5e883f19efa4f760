import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimFinish } from '../../../src/shared/redis/runClaims.ts';
import { withRedis } from '../../helpers/services/redis.ts';

test('of several that would finish a run one does, and the next when it is done or silent', () =>
  withRedis(async ({ redis }) => {
    const asked = await Promise.all(Array.from({ length: 5 }, () => claimFinish(redis, 'r')));
    const given = asked.filter((done) => done !== undefined);
    assert.equal(given.length, 1);
    assert.ok(await claimFinish(redis, 'other run'));
    await given[0]?.();
    const next = await claimFinish(redis, 'r');
    assert.ok(next);
    // The first is done already: it takes nothing from the next.
    await given[0]?.();
    assert.equal(await claimFinish(redis, 'r'), undefined);
    assert.ok((await redis.pttl('posecast:r:finish')) <= 10_000);
    assert.ok((await redis.pttl('posecast:r:finish')) > 0, 'one that dies is waited for 10 s');
  }));

test('a Redis that refuses to write keeps nobody from finishing a run', () =>
  withRedis(async ({ redis }) => {
    await redis.config('SET', 'maxmemory', '1');
    assert.ok(await claimFinish(redis, 'r'));
    assert.ok(await claimFinish(redis, 'r'));
  }));

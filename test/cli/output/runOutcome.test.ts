import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEarlyOutcome } from '../../../src/cli/output/runOutcome.ts';

/** What is said of a run of 12 shards that ended with failed ones. */
const failedRun = (done: number): string =>
  formatEarlyOutcome({
    runId: 'r1',
    out: '/out',
    end: { status: 'failed', failures: [{ shard: '3', reason: 'no space left' }] },
    shards: { done, total: 12 },
    seconds: 1,
    goOn: 'posecast retry-failed /out',
  });

test('a run whose shards all failed is not said to have anything committed', () => {
  assert.match(failedRun(11), /shards failed for good; everything else is committed\n/);
  assert.match(failedRun(0), /shards failed for good; nothing is committed\n +shards +0 of 12 committed/);
});

/** What the metrics of a worker are made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundedLabel } from '../../src/observe/boundedLabels.ts';
import { createWorkMetrics } from '../../src/observe/workMetrics.ts';
import { parseSeries } from './scrape.ts';

const compute = { device: 'cpu', threads: 2 };
const read = async (metrics: ReturnType<typeof createWorkMetrics>) => parseSeries(await metrics.text());

test('however many codes there are, the series stay few', async () => {
  const metrics = createWorkMetrics(compute);
  const before = (await read(metrics)).size;
  for (let i = 0; i < 5_000; i++) {
    const attempt = { runId: `run-${i}`, seconds: 1, stages: [], stagesMs: {} };
    metrics.observer.shardEnded?.({
      ...attempt,
      outcome: 'failed',
      failure: { code: `code-${i}`, message: 'no' },
    });
    metrics.observer.shardEnded?.({
      ...attempt,
      outcome: 'committed',
      counters: { faces: 1, ok: 0, rejected: 1, variants: 0, variantsRejected: 0 },
      rejectsByCode: { [`read/code-${i}`]: 1 },
    });
    const request = { operation: 'get', code: `code-${i}`, ms: 1, sentBytes: 0, receivedBytes: 0 } as const;
    const { onRequest, onRetry } = metrics.requestsTo(i % 2 === 0 ? 'out' : 'corpus');
    onRequest(request);
    onRetry(request);
  }
  const series = await read(metrics);
  assert.ok(series.size < before + 500, `${series.size} series, ${before} before`);
  assert.equal(series.get('posecast_rejects_total{code="other",stage="other"}'), 4_900);
  const sum = (start: string) =>
    [...series].reduce((all, [name, value]) => all + (name.startsWith(start) ? value : 0), 0);
  assert.equal(sum('posecast_rejects_total'), 5_000, 'none is lost');
  assert.equal(sum('posecast_shard_failures_total'), 5_000);
  assert.equal(sum('posecast_store_requests_total'), 5_000);
});

test('a label is itself or "other", and no more than so many are themselves', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.integer({ min: 0, max: 5 }), (values, most) => {
      const label = boundedLabel(most);
      const shown = values.map(label);
      const kept = new Set(values.slice(0).filter((value, i) => shown[i] === value));
      assert.ok(kept.size <= most + 1);
      for (const [i, value] of values.entries()) assert.ok(shown[i] === value || shown[i] === 'other');
      assert.deepEqual(values.map(label), shown, 'the answer stays the same');
    }),
  );
});

test('when a worker last consumed is told by the clock as it is now, whatever it was at the start', async (t) => {
  const metrics = createWorkMetrics(compute);
  metrics.watchRun({
    runId: 'r-1',
    shardsInWork: () => 0,
    paused: () => false,
    storeAway: () => undefined,
    consumedAt: () => performance.now(),
  });
  const now = Date.parse('2030-01-01T00:00:00Z');
  t.mock.method(Date, 'now', () => now);
  const shown = (await read(metrics)).get('posecast_last_consumption_timestamp_seconds') ?? 0;
  assert.equal(Math.round(shown), now / 1_000);
});

test('the run in work is shown while it is, with its queue', async () => {
  const metrics = createWorkMetrics(compute);
  assert.equal((await read(metrics)).get('posecast_paused'), undefined, 'nothing is said of no run');
  let paused = false;
  const view = {
    runId: 'r-1',
    shardsInWork: () => 2,
    paused: () => paused,
    storeAway: () => 'corpus' as const,
    consumedAt: () => 0,
  };
  const unwatch = metrics.watchRun(view);
  metrics.observer.queueDepth?.({ waiting: 7, active: 2, delayed: 1, failed: 0 });
  paused = true;
  const during = await read(metrics);
  assert.equal(during.get('posecast_queue_jobs{run="r-1",state="waiting"}'), 7);
  assert.equal(during.get('posecast_run_info{run="r-1"}'), 1);
  assert.equal(during.get('posecast_paused'), 1);
  assert.equal(during.get('posecast_store_away{place="corpus"}'), 1);
  assert.equal(during.get('posecast_store_away{place="out"}'), 0, 'OUT answers');
  assert.equal(during.get('posecast_shards_in_work'), 2);
  unwatch();
  const afterwards = [...(await read(metrics)).keys()];
  assert.deepEqual(
    afterwards.filter((name) => /r-1|queue_jobs|paused|away|last_consumption/.test(name)),
    [],
  );
});

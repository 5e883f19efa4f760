/** What Prometheus gets from a worker is what the commits say. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { committedShards } from '../../src/shared/run/committedShards.ts';
import { readShardCommit, type ShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { type CliProcess, posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { until } from '../helpers/until.ts';
import { makeSmallShards, type SmallShards } from '../soak/smallShards.ts';
import { assertHistograms, metricsUrl, type Series, scrape, withPosecast } from './scrape.ts';

/** Four faces a shard, a person each, two faces a batch. */
const SHARDS = 3;
const BATCHES = 2;

let folder = '';
let small: SmallShards;
let options: readonly string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-metrics-'));
  small = await makeSmallShards(folder, 4 * SHARDS);
  options = [...small.options, '--shard-faces', '4', '--with-posture-code'];
});
after(() => rm(folder, { recursive: true, force: true }));

async function commitsOf(out: string): Promise<ShardCommit[]> {
  const store = await openStore(out, { access: 'read' });
  const commits: ShardCommit[] = [];
  for await (const index of committedShards(store)) commits.push((await readShardCommit(store, index))!);
  await store.close();
  return commits;
}

test('the counters of a worker are those of its commits, and it answers without Redis', () =>
  withRedis(async ({ url, server }) => {
    const out = join(folder, 'counted');
    const env = { ...small.env, REDIS_URL: url };
    const args = ['work', '--metrics-port', '0', '--threads', '1', '--batch', '2', '--json'];
    await withPosecast(args, env, async (worker) => {
      const at = await metricsUrl(worker);
      const submitted = await posecast(['submit', small.corpus, out, ...options], env);
      assert.equal(submitted.code, 0, submitted.stderr);
      await until('the end of the run', worker, () => /run \S+ is complete/.test(worker.output()));

      const commits = await commitsOf(out);
      assert.equal(commits.length, SHARDS);
      const series = await scrape(`${at}/metrics`);
      assertCounted(series, commits);
      assertHistograms(series);
      assert.equal(series.get('posecast_redis_connected'), 1);
      assert.equal(series.get('posecast_shards_in_work'), 0);

      await server.close();
      await until('the loss of Redis', worker, async () => {
        const found = await scrape(`${at}/metrics`);
        return found.get('posecast_redis_connected') === 0;
      });
      assert.equal((await fetch(`${at}/healthz`)).status, 200);
    });
  }));

function assertCounted(series: Series, commits: readonly ShardCommit[]): void {
  const sum = (of: (commit: ShardCommit) => number) => commits.reduce((all, commit) => all + of(commit), 0);
  const expected: Record<string, number> = {
    'posecast_faces_total{outcome="ok"}': sum(({ counters }) => counters.ok),
    'posecast_faces_total{outcome="rejected"}': sum(({ counters }) => counters.rejected),
    'posecast_variants_total{outcome="kept"}': sum(({ counters }) => counters.variants),
    'posecast_variants_total{outcome="rejected"}': sum(({ counters }) => counters.variantsRejected),
    posecast_faces_processed_total: sum(({ counters }) => counters.faces),
    posecast_variants_processed_total: sum(({ counters }) => counters.variants),
    'posecast_shards_total{outcome="committed"}': SHARDS,
    'posecast_shards_total{outcome="failed"}': 0,
    'posecast_shard_seconds_count{outcome="committed"}': SHARDS,
    posecast_queue_wait_seconds_count: SHARDS,
    'posecast_model_threads{device="cpu"}': 1,
    'posecast_rejects_total{code="not-an-image",stage="decode"}': 1,
  };
  for (const stage of ['listing', 'read', 'faces', 'augment', 'encode', 'commit']) {
    expected[`posecast_shard_stage_seconds_count{stage="${stage}"}`] = SHARDS;
  }
  for (const stage of ['read', 'wait', 'decode', 'landmarks', 'pose', 'align', 'embed', 'posture']) {
    expected[`posecast_batch_stage_seconds_count{stage="${stage}"}`] = SHARDS * BATCHES;
  }
  // Aligned crops: nothing is detected.
  expected['posecast_batch_stage_seconds_count{stage="detect"}'] = 0;
  expected['posecast_batch_stage_seconds_count{stage="combine"}'] = SHARDS;
  assert.equal(expected['posecast_faces_total{outcome="rejected"}'], 1, 'the corpus has a broken photograph');
  assert.deepEqual(
    Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)])),
    expected,
  );
  const rejects = [...series].filter(([name]) => name.startsWith('posecast_rejects_total'));
  const byCode = new Map(commits.flatMap(({ rejectsByCode }) => Object.entries(rejectsByCode)));
  assert.equal(rejects.length, byCode.size);

  const inThreads = ['decode', 'landmarks', 'pose', 'align', 'embed', 'posture', 'combine'];
  const stages = inThreads.reduce(
    (all, stage) => all + (series.get(`posecast_batch_stage_seconds_sum{stage="${stage}"}`) ?? 0),
    0,
  );
  const busy = series.get('posecast_model_thread_busy_seconds_total{device="cpu"}') ?? 0;
  assert.ok(stages > 0 && stages <= busy, `stages ${stages}, busy ${busy}`);
  assert.ok(
    (series.get('posecast_store_requests_total{code="ok",operation="put-if-absent",place="out"}') ?? 0) >=
      SHARDS,
  );
  const tables = sum(
    ({ data, subjects, rejects }) => (data?.bytes ?? 0) + subjects.bytes + (rejects?.bytes ?? 0),
  );
  const photographs = sum(({ counters }) => counters.faces);
  const reads = 'posecast_store_requests_total{code="ok",operation="get",place="corpus"}';
  assert.equal(series.get(reads), photographs, 'every photograph is read once');
  assert.ok((series.get('posecast_store_received_bytes_total{place="corpus"}') ?? 0) > photographs);
  assert.ok((series.get('posecast_store_sent_bytes_total{place="out"}') ?? 0) >= tables);
}

test('a worker that is told to end closes its metrics, whoever is connected', () =>
  withRedis(({ url }) =>
    withPosecast(['work', '--metrics-port', '0'], { ...small.env, REDIS_URL: url }, endWhileConnected),
  ));

async function endWhileConnected(worker: CliProcess): Promise<void> {
  const at = await metricsUrl(worker);
  const agent = new Agent({ keepAlive: true });
  await new Promise((resolve, reject) => {
    get(`${at}/healthz`, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
  assert.equal((await fetch(`${at}/`)).status, 404);
  assert.equal((await fetch(`${at}/metrics`, { method: 'POST' })).status, 405);
  worker.child.kill('SIGTERM');
  assert.equal((await worker.done).code, 0);
  agent.destroy();
  await assert.rejects(fetch(`${at}/healthz`));
}

test('a port in use is refused before anything is written, and named', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const port = String((other.address() as AddressInfo).port);
  try {
    const out = join(folder, 'refused');
    const ran = await posecast(['run', small.corpus, out, ...options, '--metrics-port', port], small.env);
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(
      ran.stderr,
      new RegExp(
        `--metrics-port: expected a port that is free, found one in use \\[host=127.0.0.1, port=${port}\\]`,
      ),
    );
    assert.equal(existsSync(out), false);
  } finally {
    other.close();
  }
});

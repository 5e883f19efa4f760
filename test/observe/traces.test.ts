/** A shard is one trace from the producer to its commit, and nothing is sent unless somebody asks for it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ConfigError } from '../../src/shared/errors.ts';
import { openShardQueue, SHARD_JOB } from '../../src/shared/redis/queue.ts';
import { openTracing } from '../../src/shared/tracing/openTracing.ts';
import { posecast } from '../helpers/cli.ts';
import { freePort } from '../helpers/freePort.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { makeSmallShards, type SmallShards } from '../soak/smallShards.ts';
import { type ReceivedSpan, withOtlpReceiver } from './otlpReceiver.ts';

const SHARDS = 2;

let folder = '';
let small: SmallShards;
let options: readonly string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-traces-'));
  small = await makeSmallShards(folder, 4 * SHARDS);
  options = [...small.options, '--shard-faces', '4'];
});
after(() => rm(folder, { recursive: true, force: true }));

test('what the producer queues and what a worker does with it is one trace a shard; a job that fails is a span that failed', () =>
  withRedis(({ url, redis }) =>
    withOtlpReceiver(async ({ url: endpoint, spans, requests }) => {
      const env = {
        ...small.env,
        REDIS_URL: url,
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=secret-of-the-service',
      };
      const out = join(folder, 'traced');
      const submitted = await posecast(['submit', small.corpus, out, ...options, '--json'], env);
      assert.equal(submitted.code, 0, submitted.stderr);
      const { runId } = JSON.parse(submitted.stdout) as { runId: string };
      await addBadJob(redis, runId);
      const worked = await posecast(['work', out, '--threads', '1'], env);
      assert.equal(worked.code, 0, worked.stderr);
      assert.match(worked.stderr, new RegExp(`traces go to ${endpoint}`));
      assert.ok(requests.length >= 2);
      for (const { key } of requests) assert.equal(key, 'secret-of-the-service');

      const [failed, ...none] = spans.filter((span) => span.failed);
      assert.ok(failed !== undefined && none.length === 0);
      assert.equal(failed.name, 'process shard');
      assert.equal(failed.attributes['posecast.outcome'], 'failed');
      assert.equal(failed.attributes['posecast.code'], 'bad-job');

      const traces = groupByTrace(spans.filter(({ traceId }) => traceId !== failed.traceId));
      assert.equal(traces.size, SHARDS, 'nothing but shards is traced');
      for (const trace of traces.values()) assertShardTrace(trace, runId);
      const shards = [...traces.values()].map(([span]) => span?.attributes['posecast.shard']);
      assert.deepEqual(shards.sort(), [0, 1]);
    }),
  ));

/** Not a shard, and what it says of a trace is not one either. */
async function addBadJob(redis: Redis, runId: string): Promise<void> {
  const queue: Queue = openShardQueue(redis, runId);
  await queue.add(SHARD_JOB, {}, { jobId: 'shard-99', telemetry: { metadata: 'no trace' } });
  await queue.close();
}

function groupByTrace(spans: readonly ReceivedSpan[]): Map<string, ReceivedSpan[]> {
  const traces = new Map<string, ReceivedSpan[]>();
  for (const span of spans) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
  return traces;
}

/** enqueue → process → its parts, each within it. */
function assertShardTrace(trace: readonly ReceivedSpan[], runId: string): void {
  const [queued, ...others] = trace.filter(({ parentSpanId }) => parentSpanId === undefined);
  assert.ok(queued !== undefined && others.length === 0, 'one root');
  assert.deepEqual([queued.name, queued.kind, queued.service], ['enqueue shard', 4, 'posecast-submit']);
  const [process, ...more] = trace.filter(({ parentSpanId }) => parentSpanId === queued.spanId);
  assert.ok(process !== undefined && more.length === 0, 'processed once');
  assert.deepEqual([process.name, process.kind, process.service], ['process shard', 5, 'posecast-work']);
  assert.equal(process.attributes['posecast.outcome'], 'committed');
  assert.equal(process.failed, false);
  for (const stage of ['decode', 'landmarks', 'embed', 'combine']) {
    assert.ok(Number(process.attributes[`posecast.seconds.${stage}`]) > 0, stage);
  }
  const parts = trace.filter(({ parentSpanId }) => parentSpanId === process.spanId);
  assert.deepEqual(parts.map(({ name }) => name).sort(), [
    'augment',
    'commit',
    'encode',
    'faces',
    'listing',
    'read',
  ]);
  assert.equal(trace.length, parts.length + 2);
  for (const part of parts) {
    assert.ok(part.start >= process.start - 1_000_000n && part.end <= process.end + 1_000_000n, part.name);
    assert.ok(part.end >= part.start);
  }
  for (const { attributes, name } of trace) {
    assert.equal(attributes['posecast.run'], runId, name);
    assert.equal(attributes['posecast.shard'], queued.attributes['posecast.shard'], name);
  }
}

test('unless it is asked for, the tracing SDK is not even loaded', () =>
  withRedis(({ url }) =>
    withOtlpReceiver(async ({ url: endpoint, requests }) => {
      const loaded = join(folder, 'loaded.json');
      const hook = join(folder, 'hook.cjs');
      await writeFile(
        hook,
        `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(loaded)}, JSON.stringify(Object.keys(require('node:module')._cache))));`,
      );
      const submit = async (name: string, env: NodeJS.ProcessEnv) => {
        const args = ['submit', small.corpus, join(folder, name), ...options];
        const all = { ...small.env, REDIS_URL: url, NODE_OPTIONS: `--require ${hook}`, ...env };
        const submitted = await posecast(args, all);
        assert.equal(submitted.code, 0, submitted.stderr);
        const modules = JSON.parse(await readFile(loaded, 'utf8')) as string[];
        await unlink(loaded);
        return modules.some((file) => file.includes('@opentelemetry/sdk-trace'));
      };
      assert.equal(await submit('silent', {}), false);
      assert.deepEqual(requests, []);
      assert.equal(
        await submit('asked', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: '' }),
        true,
      );
      assert.deepEqual(
        requests.map(({ type }) => type),
        ['application/x-protobuf'],
        "OpenTelemetry's default protocol",
      );
    }),
  ));

test('tracing that is switched off by OpenTelemetry’s own variables stays off, and what cannot be used is refused', async () => {
  const open = (env: Readonly<Record<string, string>>) =>
    withEnvironment(env, () => openTracing({ asked: true, service: 'test', say: () => {} }));
  assert.equal(await open({ OTEL_SDK_DISABLED: 'true' }), undefined);
  assert.equal(await open({ OTEL_TRACES_EXPORTER: 'none' }), undefined);
  const empty = await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, () =>
    openTracing({ asked: false, service: 'test', say: () => {} }),
  );
  assert.equal(empty, undefined, 'an empty variable is one that is not set');
  for (const [variables, message] of [
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /expected http\/protobuf or http\/json \[found=grpc\]/],
    // As a URL, `collector:4318` has the scheme `collector:`.
    ...['collector', 'collector:4318', '127.0.0.1:4318', 'grpc://collector:4317'].map(
      (endpoint) =>
        [
          { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
          new RegExp(`expected a URL such as http://host:4318 \\[found=${endpoint}\\]`),
        ] as const,
    ),
  ] as const) {
    await assert.rejects(
      open(variables),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
});

test('a tracing service that is not there is said once, and keeps nobody for long', async () => {
  const said: string[] = [];
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
  await withEnvironment(env, async () => {
    const tracing = await openTracing({ asked: false, service: 'test', say: (line) => said.push(line) });
    const rows = { part: 'listing/part-0.parquet', rowStart: 0, rowEnd: 1, subjects: 1, firstClassIndex: 0 };
    tracing?.enqueue({ runId: 'r', index: 0, ...rows }).end();
    const startedAt = performance.now();
    await tracing?.close();
    assert.ok(performance.now() - startedAt < 8_000);
  });
  assert.equal(said.length, 2);
  assert.equal(said[0], `traces go to ${endpoint}`);
  assert.match(said[1] ?? '', /^traces cannot be delivered \(/);
});

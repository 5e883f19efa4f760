/**
 * Known secrets, looked for in everything a run prints, writes and leaves in Redis, when it succeeds and when it fails.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { describeError, PosecastError } from '../../src/shared/errors.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { parseRedisUrl } from '../../src/shared/redis/redis.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { keepSecret, withoutSecrets } from '../../src/shared/text/secrets.ts';
import { type CliResult, posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { cases, countCases, SEED } from './cases.ts';

const samples = join(packageRoot, 'samples', 'london');

/** Every one has characters of its own, so that a part of it is found, too. */
const PASSWORD = 'rEd1s-Pa55w0rd-x7';
const SECRETS = {
  AWS_SECRET_ACCESS_KEY: 'sEcr3t/Acc3ss+Key/0123456789abcdefghABCD',
  AWS_SESSION_TOKEN: 'FwoGZXIvYXdzEBYaDsess10nT0ken+of/this/test==',
};
/** Of the keys; no secret. */
const KEY_ID = 'AKIAHOSTILETEST00042';
const KEYS = { AWS_ACCESS_KEY_ID: KEY_ID, ...SECRETS };
const HIDDEN = [...Object.values(SECRETS), PASSWORD].flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  // Half of one is half of the way.
  secret.slice(0, 12),
  secret.slice(-12),
]);

function assertClean(text: string, where: string): void {
  for (const secret of HIDDEN) {
    const at = text.indexOf(secret);
    assert.ok(at < 0, `${where} shows a secret: ${text.slice(Math.max(0, at - 80), at + 60)}`);
  }
}

/** One line, the right exit code, no stack trace, no secret. */
function assertRefused({ code, stdout, stderr }: CliResult, what: string): void {
  assertClean(stdout + stderr, what);
  assert.equal(code, 2, `${what}: ${stderr}`);
  assert.doesNotMatch(stderr, /\n\s+at /, `${what} shows a stack trace: ${stderr}`);
}

/** Every request is a process: all of them in the long form, as many in the short one. */
function some<T>(requests: readonly T[], short: number): T[] {
  const number = cases(short, requests.length);
  countCases('request', number);
  // Spread over the list, so that every kind is there.
  return requests.filter(
    (_, i) => Math.floor((i * number) / requests.length) !== Math.floor(((i - 1) * number) / requests.length),
  );
}

/** Everything in a Redis as text. */
async function dump(redis: Redis): Promise<string> {
  const parts: string[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const value = {
      string: () => redis.get(key),
      hash: () => redis.hgetall(key),
      list: () => redis.lrange(key, 0, -1),
      set: () => redis.smembers(key),
      zset: () => redis.zrange(key, '0', '-1'),
      stream: () => redis.xrange(key, '-', '+'),
    }[String(type)];
    parts.push(key, JSON.stringify(await value?.()));
  }
  return parts.join('\n');
}

test('a run on S3 with a guarded Redis shows and stores no secret, also where shards fail', () =>
  withRedis(async ({ url, redis }) => {
    await redis.config('SET', 'requirepass', PASSWORD);
    const guarded = url.replace('redis://', `redis://:${PASSWORD}@`);
    await withS3({ conditionalPuts: true }, async (service) => {
      const env = { ...KEYS, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      // The store breaks at the first commit of a shard, in words that hold what it was sent.
      let broken = 0;
      service.fate = ({ method, path }) =>
        method === 'PUT' && path.includes('/data/') && broken++ < 2
          ? { status: 400, code: 'InvalidRequest' }
          : 'pass';
      const options = ['--variants', '1', '--shard-faces', '4', '--redis', guarded];
      const outputs = [
        await posecast(['submit', samples, out, ...options], env),
        await posecast(['work', out, '--redis', guarded, '--json', '--threads', '1'], env),
        await posecast(['status', out, '--redis', guarded], env),
        await posecast(['status', out, '--redis', guarded, '--json'], env),
        await posecast(['run', samples, out, ...options, '--json'], env),
        await posecast(['verify', out, '--json'], env),
      ];
      for (const { stdout, stderr } of outputs) assertClean(stdout + stderr, 'output');
      assert.ok(
        broken > 0 && outputs.some(({ stderr }) => stderr.includes('S3 put failed')),
        'the store has failed',
      );
      assert.equal(outputs.at(-2)!.code, 0, outputs.at(-2)!.stderr);
      assert.equal(outputs.at(-1)!.code, 0, outputs.at(-1)!.stdout);
      assertClean(await dump(redis), 'Redis');
      const store = await openStore(out, { s3: { endpoint: service.endpoint }, access: 'read' });
      let files = 0;
      for await (const { key } of store.list('')) {
        assertClean(key + Buffer.from((await store.get(key))!).toString('latin1'), key);
        files++;
      }
      await store.close();
      assert.ok(files > 10);
    });
  }));

test('a Redis that refuses, is not there or is named wrongly gets one line without the password', () =>
  withRedis(async ({ url, redis }) =>
    withTempFolder(async (folder) => {
      await redis.config('SET', 'requirepass', 'another-password');
      const { host } = new URL(url);
      const urls = [
        `redis://:${PASSWORD}@${host}`,
        `redis://user:${PASSWORD}@127.0.0.1:1`,
        `redis://:${PASSWORD}@`,
        `redis://:${PASSWORD}@${host}/first`,
        `redis://:${PASSWORD}%zz@${host}`,
        `redis://:123/${PASSWORD}@${host}`,
        `redis://:123#${PASSWORD}@${host}`,
        `redis://:123?${PASSWORD}@${host}`,
        `${PASSWORD}@${host}`,
        `${PASSWORD}:x@${host}`,
        `http://:${PASSWORD}@${host}`,
      ];
      for (const at of some(urls, 3)) {
        const ran = await posecast(['run', samples, join(folder, 'out')], { REDIS_URL: at });
        assertRefused(ran, at);
        assert.deepEqual(await readdir(folder), [], 'nothing is written');
      }
    }),
  ));

test('an S3 service that refuses, and echoes what it was sent, gets one line without keys', async () => {
  const statuses = [403, 401, 400, 500];
  let asked = 0;
  const server = createServer((request, response) => {
    const status = statuses[asked % statuses.length]!;
    response.writeHead(status, { 'content-type': 'application/xml' });
    const sent = JSON.stringify(request.headers) + Object.values(SECRETS).join(' ');
    response.end(
      `<?xml version="1.0"?><Error><Code>Refused</Code><Message>${sent.replace(/[<&]/g, '')}</Message></Error>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    for (; asked < cases(2, statuses.length); asked++) {
      const env = { ...KEYS, AWS_ENDPOINT_URL_S3: endpoint, AWS_MAX_ATTEMPTS: '1' };
      const ran = await posecast(['run', samples, 's3://bucket/x', '--variants', '0'], env);
      assertRefused(ran, `status ${statuses[asked]}`);
      assert.match(ran.stderr, /bucket=bucket/);
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('the id of a key is no secret: a path that happens to hold it is shown', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'testing', 'out');
    const { stderr } = await posecast(['verify', out], { ...KEYS, AWS_ACCESS_KEY_ID: 'testing' });
    assert.ok(stderr.includes(out), stderr);
  }));

test('keys in an address, where nobody should write them, are not repeated', async () => {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = KEYS;
  const requests: [args: string[], env: NodeJS.ProcessEnv][] = [
    [['run', samples, `s3://${id}:${secret}@bucket/x`], {}],
    [['run', samples, `https://${id}:${secret}@host/bucket`], {}],
    [['verify', `s3://${id}:${secret}@bucket/x`], {}],
    [['run', samples, 's3://bucket/x', '--s3-endpoint', `http://${id}:${secret}@127.0.0.1:1`], {}],
    [['run', samples, 's3://bucket/x'], { AWS_ENDPOINT_URL_S3: `minio:${secret}@127.0.0.1:9000` }],
    [['run', samples, 's3://bucket/x'], { AWS_ENDPOINT_URL_S3: `${id}:${secret}@127.0.0.1:9000` }],
    [['run', samples, 'out', `--redi=redis://:${PASSWORD}@host`], {}],
    [['run', samples, 'out', '--threads', `redis://:${PASSWORD}@host`], {}],
    [['expand', `redis://:${PASSWORD}@host`], {}],
    [[`redis://:${PASSWORD}@host`], {}],
  ];
  for (const [args, env] of some(requests, 5)) {
    // The variables are not set: the process cannot know them as its own secrets.
    const bare = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' };
    assertRefused(
      await posecast(args, { ...bare, AWS_EC2_METADATA_DISABLED: 'true', ...env }),
      args.join(' '),
    );
  }
});

test('a Redis whose password changes during a run is reported without either', () =>
  withRedis(async ({ url, redis }) =>
    withTempFolder(async (folder) => {
      await redis.config('SET', 'requirepass', PASSWORD);
      const guarded = url.replace('redis://', `redis://:${PASSWORD}@`);
      const out = join(folder, 'out');
      const worker = startPosecast(
        ['run', samples, out, '--shard-faces', '2', '--variants', '1', '--threads', '1'],
        {
          REDIS_URL: guarded,
        },
      );
      while (
        (await readdir(join(out, 'commits')).catch(() => [])).length < 1 &&
        worker.child.exitCode === null
      ) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await redis.config('SET', 'requirepass', 'changed-in-the-night');
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      while (!/redis .*connection/.test(worker.output()) && worker.child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      worker.child.kill('SIGTERM');
      const stop = setTimeout(() => worker.child.kill('SIGKILL'), 20_000);
      const { stdout, stderr } = await worker.done;
      clearTimeout(stop);
      assertClean(stdout + stderr, 'output');
      assert.doesNotMatch(stdout + stderr, /changed-in-the-night/);
      assert.match(stderr, /redis 127\.0\.0\.1/);
      for (const name of await readdir(out, { recursive: true, withFileTypes: true })) {
        if (name.isFile()) assertClean(await readFile(join(name.parentPath, name.name), 'latin1'), name.name);
      }
    }),
  ));

test('whatever a password is made of, no message about its URL holds it', () => {
  const password = fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 24 });
  const runs = cases(500, 5_000);
  fc.assert(
    fc.property(password, fc.boolean(), (secret, encoded) => {
      const written = encoded ? encodeURIComponent(secret) : secret;
      for (const url of [`redis://:${written}@127.0.0.1:6379/0`, `redis://u:${written}@[::1]:1/x`]) {
        try {
          const { label } = parseRedisUrl(url);
          assert.ok(['127.0.0.1:6379', '[::1]:1'].includes(label), `label ${label}`);
        } catch (error) {
          assert.ok(error instanceof PosecastError, String(error));
          assert.ok(!error.message.includes(secret) && !error.message.includes(written), error.message);
        }
      }
    }),
    { seed: SEED, numRuns: runs },
  );
  countCases('Redis URL', runs);
});

test('kept secrets, logins in URLs and signatures are hidden in every error, ordinary words are not', () => {
  keepSecret('a-kept-secret/+', 'short', undefined);
  const error = new PosecastError(
    'x',
    'store answered a-kept-secret/+',
    { url: 'https://me:pw1/2@host/p' },
    new Error('AWS4-HMAC-SHA256 Credential=AK/x, Signature=abc'),
  );
  const shown = describeError(error);
  assert.equal(shown, 'store answered *** [url=https://***@host/p]: AWS4-HMAC-SHA256 ***');
  assert.equal(withoutSecrets(encodeURIComponent('a-kept-secret/+')), '***');
  const signed = 'GET https://b.s3.amazonaws.com/k?X-Amz-Credential=AK&X-Amz-Signature=abc&partNumber=2';
  assert.equal(
    withoutSecrets(signed),
    'GET https://b.s3.amazonaws.com/k?X-Amz-Credential=***&X-Amz-Signature=***&partNumber=2',
  );
  for (const plain of ['a short word', 's3://bucket/prefix', 'http://127.0.0.1:9000/@scope/x', 'anna@home']) {
    assert.equal(withoutSecrets(plain), plain);
  }
});

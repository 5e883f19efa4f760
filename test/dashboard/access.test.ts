/** Who may see the dashboard, and what an address can make it do. */
import assert from 'node:assert/strict';
import { access, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressWithToken, isLoopback, nameInHost, tokenFor } from '../../src/dashboard/guard.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { registerRun } from '../../src/shared/redis/runList.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { readRunShards } from '../../src/shared/run/generations.ts';
import { readPause } from '../../src/shared/run/pause.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const RUN = '/runs/sample-run/';
const TOKEN = 'correct-horse-battery';

/** Of a shard of the sample run. */
const FAILURE = {
  shard: 1,
  code: 's3-failed',
  message: 'no answer',
  attempts: 3,
  host: 'node-7',
  failedAt: '2026-01-01T00:00:00.000Z',
};

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request as it stands: fetch would not let a Host header through, and would tidy the path. */
function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

async function withSampleOut(run: (out: string, folder: string) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    await mkdir(join(corpus, 'person-000'), { recursive: true });
    await writeFile(join(corpus, 'person-000', '2.jpg'), samplePhotographs(1)[0]!.bytes);
    const out = join(folder, 'out');
    const store = await openStore(out);
    await makeSampleRun(store, { subjects: 3, config: { corpus, imageRoot: corpus } });
    await store.close();
    await run(out, folder);
  });
}

const ROUTES = [
  '/',
  RUN,
  `${RUN}shards`,
  `${RUN}rejects`,
  `${RUN}people`,
  `${RUN}events?tab=overview`,
  `${RUN}thumbnails/0/2`,
  '/assets/dashboard.css',
  '/assets/dashboard.js',
  '/queues',
  '/queues/api/queues',
  '/nothing/here',
];

test('without the token every route answers 401 and shows nothing of the run', () =>
  withSampleOut((out) =>
    withDashboard([out], { token: TOKEN }, async ({ url }) => {
      for (const route of ROUTES) {
        const { status, body } = await ask(url, route);
        assert.equal(status, 401, route);
        assert.doesNotMatch(body, /sample-run|person-/, route);
      }
      for (const headers of [
        { authorization: 'Bearer wrong-horse-battery' },
        { authorization: `Basic ${TOKEN}` },
        { cookie: `posecast-${new URL(url).port}=${TOKEN}` },
      ]) {
        assert.equal((await ask(url, RUN, headers)).status, 401, JSON.stringify(headers));
      }
      assert.equal((await ask(url, `${RUN}?token=wrong`)).status, 401);
      assert.equal((await ask(url, RUN, { authorization: `Bearer ${TOKEN}` })).status, 200);
    }),
  ));

test('the token in the address becomes a cookie that scripts cannot read, and leaves the address', () =>
  withSampleOut((out) =>
    withDashboard([out], { token: TOKEN }, async ({ url }) => {
      const first = await ask(url, `${RUN}shards?sort=faces&token=${TOKEN}`);
      assert.equal(first.status, 303);
      assert.equal(first.headers.location, `${RUN}shards?sort=faces`);
      const [cookie = ''] = first.headers['set-cookie'] ?? [];
      assert.match(cookie, /HttpOnly/);
      assert.match(cookie, /SameSite=Lax/);
      assert.ok(!cookie.includes(TOKEN), 'the cookie is not the token');
      const [pair = ''] = cookie.split(';');
      assert.equal((await ask(url, RUN, { cookie: pair })).status, 200);
    }),
  ));

test('the address that is printed lets in whoever opens it, whatever characters the token has', () =>
  withSampleOut((out) => {
    const token = 'abcdefghijklmnop+/&#%41?=x';
    return withDashboard([out], { token }, async ({ url }) => {
      const address = new URL(addressWithToken(url, token));
      const first = await ask(url, `${address.pathname}${address.search}`);
      assert.equal(first.status, 303);
      assert.equal(first.headers.location, '/');
    });
  }));

test('a request under a foreign name is refused, with and without a token: DNS rebinding', () =>
  withSampleOut(async (out) => {
    await withDashboard([out], {}, async ({ url }) => {
      const { port } = new URL(url);
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1.evil.example',
        'localhost@evil.example',
      ]) {
        // Node's own server refuses what is no name at all with 400.
        assert.ok([400, 403].includes((await ask(url, RUN, { host })).status), host);
      }
      // A tunnel has another port.
      for (const host of [
        'localhost:9999',
        `127.0.0.1:${port}`,
        `[::1]:${port}`,
        'LOCALHOST',
        'localhost.',
      ]) {
        assert.equal((await ask(url, RUN, { host })).status, 200, host);
      }
    });
    await withDashboard([out], { token: TOKEN, allowHosts: ['faces.example.org'] }, async ({ url }) => {
      const authorization = `Bearer ${TOKEN}`;
      assert.equal((await ask(url, RUN, { host: 'evil.example', authorization })).status, 403);
      assert.equal((await ask(url, RUN, { host: 'faces.example.org', authorization })).status, 200);
    });
  }));

test('an address that others can reach always has a token; a token that can be guessed is refused', () => {
  assert.equal(tokenFor('127.0.0.1', undefined), undefined);
  assert.equal(tokenFor('::1', undefined), undefined);
  for (const host of ['0.0.0.0', '::', '192.168.1.7', 'node-7']) {
    const token = tokenFor(host, undefined);
    assert.ok(token !== undefined && token.length >= 32, host);
    assert.notEqual(tokenFor(host, undefined), token);
  }
  for (const weak of ['', 'secret', 'with spaces in the middle of it']) {
    assert.throws(() => tokenFor('127.0.0.1', weak), ConfigError);
  }
  assert.ok(isLoopback('127.5.0.1') && !isLoopback('127.evil.example') && !isLoopback('10.0.0.1'));
  assert.equal(nameInHost('[::1]:80'), '::1');
  assert.equal(nameInHost('a b'), undefined);
});

test('every answer says that nothing foreign may be loaded, that nothing is kept, and nothing framed', () =>
  withSampleOut((out) =>
    withDashboard([out], {}, async ({ url }) => {
      for (const route of ROUTES.filter((one) => !one.includes('events'))) {
        const { headers } = await ask(url, route);
        const policy = String(headers['content-security-policy']);
        assert.match(policy, /default-src 'none'/, route);
        assert.match(policy, /frame-ancestors 'none'/, route);
        assert.doesNotMatch(policy, /unsafe|https?:|\*/, route);
        assert.equal(headers['x-content-type-options'], 'nosniff', route);
        assert.equal(headers['referrer-policy'], 'no-referrer', route);
        assert.match(String(headers['cache-control']), /no-store|private/, route);
      }
    }),
  ));

test('no path of an address is opened: only faces of the listing, by number', () =>
  withSampleOut((out) =>
    withDashboard([out], {}, async ({ url }) => {
      assert.equal((await ask(url, RUN)).status, 200);
      const picture = await ask(url, `${RUN}thumbnails/0/2`);
      assert.equal(picture.headers['content-type'], 'image/webp');
      for (const path of [
        'thumbnails/0/99999',
        'thumbnails/99/0',
        'thumbnails/0/-1',
        'thumbnails/0/..%2f..%2f..%2fetc%2fpasswd',
        'thumbnails/%2e%2e/%2e%2e/etc/passwd',
        'thumbnails/0/2/../../../../../etc/passwd',
        '../../../../etc/passwd',
        'thumbnails/0/2%00.jpg',
      ]) {
        const { status, body } = await ask(url, `${RUN}${path}`);
        assert.equal(status, 404, path);
        assert.doesNotMatch(body, /root:/, path);
      }
      for (const path of [
        '/assets/../package.json',
        '/assets/%2e%2e%2fserver.ts',
        '/runs/..%2f..%2fetc/',
        '/runs/__proto__/',
      ]) {
        assert.equal((await ask(url, path)).status, 404, path);
      }
    }),
  ));

test('a listing that leads out of the corpus shows no picture', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    await mkdir(join(corpus, 'person-000'), { recursive: true });
    await writeFile(join(folder, 'secret.jpg'), samplePhotographs(1)[0]!.bytes);
    await symlink(join(folder, 'secret.jpg'), join(corpus, 'person-000', '0.jpg'));
    await writeFile(join(corpus, 'person-000', '1.jpg'), 'not an image');
    const out = join(folder, 'out');
    const store = await openStore(out);
    await makeSampleRun(store, { subjects: 1, config: { corpus, imageRoot: corpus } });
    await store.close();
    await withDashboard([out], {}, async ({ url }) => {
      await ask(url, RUN);
      const said = async (row: number) => (await ask(url, `${RUN}thumbnails/0/${row}`)).body;
      assert.match(await said(0), /link out of/);
      assert.match(await said(1), /not an/);
      assert.match(await said(2), /not here|>not</);
    });
  }));

test('a photograph that was not here is shown when it is: neither the server nor a browser keeps the word', () =>
  withSampleOut((out, folder) =>
    withDashboard([out], {}, async ({ url }) => {
      await ask(url, RUN);
      const picture = () => ask(url, `${RUN}thumbnails/0/0`);
      const before = await picture();
      assert.match(before.body, />not<.*>here</);
      assert.equal(before.headers['cache-control'], 'no-store');
      await writeFile(join(folder, 'corpus', 'person-000', '0.jpg'), samplePhotographs(1)[0]!.bytes);
      const after = await picture();
      assert.equal(after.headers['content-type'], 'image/webp');
      assert.equal(after.headers['cache-control'], 'private, max-age=600');
    }),
  ));

test('an address that no link of the pages has is refused with a word, and breaks nothing', () =>
  withSampleOut((out) =>
    withDashboard([out], {}, async ({ url, said }) => {
      for (const query of [
        'shards?page=0',
        'shards?page=x',
        'shards?sort=__proto__',
        'shards?state=lost',
        'shards?x=1',
        'rejects?page=1e9',
        'people?show=7',
      ]) {
        assert.equal((await ask(url, `${RUN}${query}`)).status, 400, query);
      }
      for (const query of [
        'shards?page=999999999',
        'shards?sort=stage:constructor',
        'rejects?code=constructor',
        'rejects?code=%00',
        'people?show=99.0',
        'people?find=%ff',
        'people?find=zzz',
        `people?find=${'x'.repeat(4_000)}`,
      ]) {
        assert.equal((await ask(url, `${RUN}${query}`)).status, 200, query);
      }
      for (const path of ['/runs/%0d%0aX-A:b', '/runs/elsewhere'])
        assert.equal((await ask(url, path)).status, 404, path);
      assert.equal((await ask(url, RUN.slice(0, -1))).headers.location, RUN);
      assert.deepEqual(said, []);
    }),
  ));

test('nothing can be changed unless that was asked for, and then only from a page of the server', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const store = await openStore(out);
    const run = await planSampleRun(store);
    const [spec] = await sampleSpecs(store, run);
    await runSampleShard(store, run, spec!, 'a');
    const paused = async () => (await readPause(store, run.runId)) !== undefined;
    const pause = `${RUN}actions/pause`;
    await withDashboard([out], {}, async ({ url }) => {
      const origin = url.slice(0, -1);
      assert.equal((await ask(url, pause, { origin }, 'POST')).status, 404);
      assert.doesNotMatch((await ask(url, RUN)).body, /<form[^>]*method="post"/);
    });
    await withDashboard([out], { allowActions: true }, async ({ url }) => {
      const origin = url.slice(0, -1);
      assert.equal((await ask(url, pause, {}, 'POST')).status, 403);
      assert.equal((await ask(url, pause, { origin: 'http://evil.example' }, 'POST')).status, 403);
      assert.equal((await ask(url, pause, { origin, 'sec-fetch-site': 'cross-site' }, 'POST')).status, 403);
      assert.equal((await ask(url, pause, { origin })).status, 404, 'a link changes nothing');
      assert.ok(!(await paused()));
      assert.equal((await ask(url, pause, { origin, 'sec-fetch-site': 'same-origin' }, 'POST')).status, 303);
      assert.ok(await paused());
      assert.match((await ask(url, RUN)).body, /data-state="paused"/);
      assert.equal((await ask(url, `${RUN}actions/resume`, { origin }, 'POST')).status, 303);
      assert.ok(!(await paused()));

      await noteShardFailure(store, { runId: run.runId, ...FAILURE });
      assert.equal((await ask(url, `${RUN}actions/retry-failed`, { origin }, 'POST')).status, 303);
      const { generations } = await readRunShards(store, run);
      assert.deepEqual(
        generations.map((generation) => generation.kind === 'retry' && generation.replaces),
        [[1]],
      );
    });
    await store.close();
  }));

test('failed shards of a copied OUT are not taken up on the Redis of its original, and the answer says why', () =>
  withRedis(({ url: redisUrl, redis }) =>
    withTempFolder(async (folder) => {
      const [out, copy] = [join(folder, 'out'), join(folder, 'copy')];
      const store = await openStore(out);
      const { runId, createdAt } = await makeSampleRun(store);
      await noteShardFailure(store, { runId, ...FAILURE });
      await registerRun(redis, { runId, createdAt, shards: 4, out });
      await store.close();
      await cp(out, copy, { recursive: true });
      const retry = (shown: string) =>
        withDashboard([shown], { allowActions: true, redis: redisUrl }, ({ url }) =>
          ask(url, `${RUN}actions/retry-failed`, { origin: url.slice(0, -1) }, 'POST'),
        );
      const refused = await retry(copy);
      assert.equal(refused.status, 409, refused.body);
      assert.match(refused.body, /expected the only one of run sample-run/);
      await assert.rejects(access(join(copy, 'generations')), { code: 'ENOENT' });
      assert.equal((await retry(out)).status, 303);
    }),
  ));

test('a run that was finished meanwhile is not paused, and the answer says why', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const store = await openStore(out);
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    await withDashboard([out], { allowActions: true }, async ({ url, said }) => {
      const refused = await ask(url, `${RUN}actions/pause`, { origin: url.slice(0, -1) }, 'POST');
      assert.equal(refused.status, 409);
      assert.match(refused.body, /expected an unfinished run, this one is complete/);
      assert.equal(await readPause(store, run.runId), undefined);
      assert.match((await ask(url, RUN)).body, /data-state="complete"/);
      assert.deepEqual(said, []);
    });
    await store.close();
  }));

test('an action for a run whose OUT holds another run by now changes nothing there', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const store = await openStore(out);
    await planSampleRun(store);
    await withDashboard([out], { allowActions: true }, async ({ url }) => {
      await rm(out, { recursive: true });
      const again = await openStore(out);
      await planSampleRun(again, { runId: 'second-run' });
      const pause = await ask(url, `${RUN}actions/pause`, { origin: url.slice(0, -1) }, 'POST');
      assert.equal(pause.status, 409);
      assert.match(pause.body, /another run by now/);
      assert.equal(await readPause(again, 'sample-run'), undefined);
      await again.close();
    });
    await store.close();
  }));

test('what cannot be served is refused before anything listens', () =>
  withSampleOut(async (out, folder) => {
    const refused = (outs: string[], facts: RegExp) =>
      assert.rejects(
        withDashboard(outs, {}, async () => undefined),
        (error) => error instanceof ConfigError && facts.test(error.message),
      );
    await refused([join(folder, 'elsewhere')], /run/);
    await refused([out, out], /twice/);
    await withDashboard([out], {}, async ({ url }) => {
      const port = new URL(url).port;
      const taken = await posecast(['dashboard', out, '--port', port]);
      assert.equal(taken.code, 2);
      assert.match(taken.stderr, /EADDRINUSE/);
    });
  }));

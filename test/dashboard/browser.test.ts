/** The run page in a real browser: what it shows is what the commits say. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { feedRun } from '../../src/producer/feedRun.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { readShardCommit, type ShardCommit } from '../../src/shared/run/shardCommit.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { eventually, noChromium, openBrowser, openPage } from '../helpers/services/chromium.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');
const skip = noChromium;
const HOSTILE = '<script>alert(1)<';

let browser: Browser;
let folder = '';
/** A real run over real photographs, made once for the tests that look at a finished one. */
let finished = '';

before(async () => {
  if (skip) return;
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'posecast-dashboard-'));
  const corpus = join(folder, 'corpus');
  for (const person of ['001', '002', '003', '004']) {
    await cp(join(samples, person), join(corpus, person), { recursive: true });
  }
  await cp(join(samples, '005'), join(corpus, HOSTILE), { recursive: true });
  const photograph = await readFile(join(samples, '001', 'neutral.jpg'));
  await writeFile(join(corpus, '002', 'cut.jpg'), photograph.subarray(0, 20_000));
  await writeFile(join(corpus, HOSTILE, '"><img src=x onerror=alert(2)>.jpg'), 'no image');
  await symlink('/etc/hostname', join(corpus, '003', 'link.jpg'));
  finished = join(folder, 'out');
  const ran = await posecast(['run', corpus, finished, '--variants', '4', '--shard-faces', '3']);
  assert.equal(ran.code, 0, ran.stderr);
});

after(async () => {
  if (skip) return;
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

async function commitsOf(out: string): Promise<ShardCommit[]> {
  const store = await openStore(out, { access: 'read' });
  const commits: ShardCommit[] = [];
  for (let shard = 0; ; shard++) {
    const commit = await readShardCommit(store, shard);
    if (commit === undefined) break;
    commits.push(commit);
  }
  await store.close();
  return commits;
}

const sum = (commits: readonly ShardCommit[], name: keyof ShardCommit['counters']): string =>
  String(commits.reduce((total, { counters }) => total + counters[name], 0));

const value = async (page: Page, name: string): Promise<string> =>
  (await page.locator(`[data-value="${name}"]`).innerText()).trim();

const headline = (page: Page): Promise<string> => page.locator('.headline').innerText();

/** The page has heard from the server after it was loaded. */
const live = (page: Page): Promise<void> => eventually(page, 'document.body.dataset.live === "yes"');

const ALL_PICTURES =
  '[...document.querySelectorAll("main img")].every((img) => img.complete && img.naturalWidth > 0)';

test(
  'a finished run: the numbers are those of its commits, without Redis, and nothing is complained of',
  {
    skip,
  },
  () =>
    withDashboard([finished], {}, async ({ url, said }) => {
      const commits = await commitsOf(finished);
      const { page, complaints } = await openPage(browser, url);
      await live(page);
      assert.match(await headline(page), /^Complete: 13 faces of 5 people/);
      for (const name of ['faces', 'ok', 'rejected', 'variants'] as const) {
        assert.equal(await value(page, name), sum(commits, name), name);
      }
      assert.equal(await value(page, 'shards'), String(commits.length));
      await eventually(page, 'document.querySelectorAll("#coverage svg").length === 2');

      await page.getByRole('link', { name: /^Shards/ }).click();
      assert.equal(await page.locator('tr[data-shard]').count(), commits.length);
      for (const [shard, { counters }] of commits.entries()) {
        const cells = await page.locator(`tr[data-shard="${shard}"] td`).allInnerTexts();
        const { faces, rejected, variants } = counters;
        assert.deepEqual(cells.slice(1, 4).map(Number), [faces, rejected, variants]);
      }
      await page.getByRole('link', { name: 'rejects', exact: true }).click();
      await page.locator('th[aria-sort="descending"]').waitFor();
      const rejects = (await page.locator('tr[data-shard] td:nth-child(3)').allInnerTexts()).map(Number);
      assert.deepEqual(
        rejects,
        rejects.toSorted((a, b) => b - a),
      );
      assert.deepEqual(complaints, []);
      assert.deepEqual(said, []);
    }),
);

test('rejects are shown with their reasons and pictures; hostile names are text', { skip }, () =>
  withDashboard([finished], {}, async ({ url }) => {
    const { page, complaints } = await openPage(browser, url);
    await page.getByRole('link', { name: /^Rejects/ }).click();
    await live(page);
    assert.equal(await page.locator('.face').count(), 3);
    await eventually(page, ALL_PICTURES);
    const cut = page.locator('.face', { hasText: '002/cut.jpg' });
    assert.equal(await cut.locator('.code').innerText(), 'truncated');
    const source = await cut.locator('img').getAttribute('src');
    const picture = await page.request.get(new URL(source ?? '', url).href);
    assert.equal(picture.headers()['content-type'], 'image/webp');
    assert.ok((await picture.body()).length < 30_000);
    const hostile = await page.locator('.face', { hasText: HOSTILE }).innerText();
    assert.ok(hostile.includes('"><img src=x onerror=alert(2)>.jpg'), hostile);
    await page.getByRole('link', { name: 'read/link-outside-corpus 1' }).click();
    await eventually(page, 'document.querySelectorAll(".face").length === 1');
    assert.deepEqual(complaints, []);
  }),
);

test('chosen people: photographs, poses, and a point for every embedding', { skip }, () =>
  withDashboard([finished], {}, async ({ url }) => {
    const { page, complaints } = await openPage(browser, url);
    await page.getByRole('link', { name: 'People' }).click();
    await page.locator('tr[data-person="0.0"] input').check();
    assert.equal(await page.locator('tr[data-person]').count(), 5);
    await page.getByLabel(HOSTILE).check();
    await page.getByRole('button', { name: 'Show the chosen' }).click();
    await page.locator('.people-plot').waitFor();
    assert.equal(await page.locator('[data-chosen]').count(), 2);
    // Two photographs and four variants a person.
    assert.equal(await page.locator('.plot .pose-line').count(), 12);
    assert.equal(await page.locator('.plot .variant-point').count(), 8);
    assert.ok((await page.locator('.people-plot').innerText()).includes(HOSTILE));
    await eventually(page, ALL_PICTURES);
    await page.getByRole('searchbox').fill('003');
    await page.getByRole('button', { name: 'Find' }).click();
    await eventually(page, '/003/.test(document.querySelector("tr[data-person]").textContent)');
    assert.equal(await page.locator('[data-chosen]').count(), 2, 'the chosen stay chosen');
    assert.deepEqual(complaints, []);
  }),
);

/** What stands in plots and reaches over their edge. */
const CUT_TEXTS = `[...document.querySelectorAll('figure.chart svg text')]
  .filter((text) => {
    const [own, plot] = [text, text.ownerSVGElement].map((element) => element.getBoundingClientRect());
    return own.left < plot.left - 0.5 || own.right > plot.right + 0.5;
  })
  .map((text) => text.textContent)`;

test(
  'a phone scrolls in one direction only, has every word of the plots, and the dark colours when it is dark',
  { skip },
  () =>
    withDashboard([finished], {}, async ({ url }) => {
      const { page, complaints } = await openPage(browser, url, {
        viewport: { width: 390, height: 844 },
        isMobile: true,
        hasTouch: true,
        colorScheme: 'dark',
      });
      assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(21, 24, 28)');
      const run = page.url();
      for (const path of ['', 'shards', 'rejects', 'people?show=0.0&show=1.0']) {
        await page.goto(new URL(path, run).href);
        await live(page);
        const { scrollWidth, clientWidth } = (await page.evaluate(
          '({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })',
        )) as { scrollWidth: number; clientWidth: number };
        assert.equal(scrollWidth, clientWidth, path);
        assert.equal(await page.evaluate('innerWidth'), 390, path);
        assert.deepEqual(await page.evaluate(CUT_TEXTS), [], path);
      }
      assert.deepEqual(complaints, []);
    }),
);

test('while a run goes on the page follows it, and its parts do not jump', { skip }, () =>
  withTempFolder(async (temporary) => {
    const out = join(temporary, 'out');
    const store = await openStore(out);
    const run = await planSampleRun(store, { subjects: 8 });
    const specs = await sampleSpecs(store, run);
    await runSampleShard(store, run, specs[0]!, 'a');
    await noteShardFailure(store, {
      runId: run.runId,
      shard: 3,
      code: 's3-failed',
      message: '<b>no</b> answer',
      attempts: 3,
      host: 'node-7',
      failedAt: '2026-01-01T00:00:00.000Z',
    });
    await withDashboard([out], {}, async ({ url }) => {
      const { page, complaints } = await openPage(browser, url);
      await live(page);
      await eventually(page, 'document.querySelector("[data-value=shards]").textContent === "1"');
      await eventually(page, 'document.querySelectorAll("#failures td").length > 0');
      assert.match(await page.locator('#failures').innerText(), /shard 3.*<b>no<\/b> answer/s);
      const tops = () =>
        page.evaluate(
          '["tiles", "throughput", "stages", "failures"].map((id) => document.getElementById(id).offsetTop)',
        );
      const before = await tops();
      for (const spec of specs.slice(1, 3)) await runSampleShard(store, run, spec, 'b');
      await eventually(page, 'document.querySelector("[data-value=shards]").textContent === "3"');
      assert.deepEqual(await tops(), before);
      assert.equal(await value(page, 'percent'), '75\u202F%');
      assert.equal(await value(page, 'faces'), '24');
      assert.match(await page.title(), /^75 % /);
      await page.getByRole('link', { name: /^Shards/ }).click();
      await live(page);
      assert.match(await page.locator('tr[data-shard="3"]').innerText(), /s3-failed/);
      await runSampleShard(store, run, specs[3]!, 'c');
      await eventually(page, `document.querySelectorAll("tr[data-shard='3'] td").length > 3`);
      assert.deepEqual(complaints, []);
    });
    await store.close();
  }),
);

test(
  'what has focus stays while the card around it follows the run, and gives way when it is left',
  { skip },
  () =>
    withTempFolder(async (temporary) => {
      const out = join(temporary, 'out');
      const store = await openStore(out);
      const run = await planSampleRun(store, { subjects: 8 });
      const specs = await sampleSpecs(store, run);
      await runSampleShard(store, run, specs[0]!, 'a');
      await withDashboard([out], { allowActions: true }, async ({ url }) => {
        const { page, complaints } = await openPage(browser, url);
        await live(page);
        await page.getByRole('button', { name: 'Pause' }).focus();
        const percent = 'document.querySelector("[data-value=percent]").textContent';
        for (const spec of specs.slice(1, 3)) await runSampleShard(store, run, spec, 'a');
        await eventually(page, `/^75/.test(${percent})`);
        await runSampleShard(store, run, specs[3]!, 'a');
        await finalizeRun(store, run);
        await eventually(page, '/^Complete/.test(document.querySelector(".headline").textContent)');
        assert.equal(await page.evaluate('document.activeElement.textContent'), 'Pause');
        assert.equal(await page.locator('.headline').count(), 1);
        assert.equal(await page.locator('.bar').count(), 1);
        await page.getByRole('link', { name: /^Shards/ }).focus();
        await eventually(page, 'document.querySelector(".actions") === null');
        assert.match(await headline(page), /^Complete/);
        assert.deepEqual(complaints, []);
      });
      await store.close();
    }),
);

test(
  'a run in a queue: its workers, bull-board beside it, read-only, and a Redis that goes away',
  {
    skip,
  },
  () =>
    withRedis(({ url: redis, redis: client, server }) =>
      withTempFolder(async (temporary) => {
        const out = join(temporary, 'out');
        const env = { REDIS_URL: redis };
        // Enough that the page, which looks every two seconds, sees it going on.
        const corpus = await repeatedSamples(join(temporary, 'corpus'), 12);
        const asked = ['submit', corpus, out, '--variants', '1', '--shard-faces', '24'];
        const submitted = await posecast(asked, env);
        assert.equal(submitted.code, 0, submitted.stderr);
        // No OUT is named: it is found in Redis.
        await withDashboard([], { redis }, async ({ url, said }) => {
          const { page, complaints } = await openPage(browser, url);
          await live(page);
          assert.match(await headline(page), /^Waiting: no worker is alive/);
          assert.match(await page.locator('.notes').innerText(), /12 waiting/);

          const board = await openPage(browser, `${url}queues`);
          const name = /\/runs\/([\w-]+)\//.exec(page.url())?.[1];
          await board.page.getByText(`posecast-${name}`).first().waitFor();
          assert.deepEqual(board.complaints, []);
          for (const path of ['pause', 'clean/waiting', 'empty', 'obliterate']) {
            const address = `${url}queues/api/queues/posecast-${name}/${path}`;
            assert.equal((await board.page.request.put(address)).status(), 405, path);
          }
          await board.page.close();

          const worker = startPosecast(['work', out, '--threads', '1'], env);
          await eventually(page, '/^Running/.test(document.querySelector(".headline").textContent)', 60);
          await eventually(page, '/heard/.test(document.getElementById("workers").textContent)');
          assert.equal((await worker.done).code, 0);
          await eventually(page, '/^Complete/.test(document.querySelector(".headline").textContent)');
          const commits = await commitsOf(out);
          assert.equal(commits.length, 12);
          assert.equal(await value(page, 'faces'), sum(commits, 'faces'));
          assert.equal(await value(page, 'variants'), sum(commits, 'variants'));
          assert.deepEqual(complaints, []);
          assert.deepEqual(said, []);
        });

        const waiting = join(temporary, 'waiting');
        const store = await openStore(waiting);
        const queue = openShardQueue(client, 'sample-run');
        const signal = AbortSignal.timeout(60_000);
        await feedRun(await planSampleRun(store), store, { redis: client, queue, signal });
        await queue.close();
        await store.close();
        await withDashboard([waiting], { redis }, async ({ url }) => {
          const { page } = await openPage(browser, url);
          await live(page);
          assert.match(await headline(page), /^Waiting/);
          await server.close();
          const note = page.locator('[data-note="redis-away"]');
          await note.waitFor({ timeout: 30_000 });
          assert.match(await note.innerText(), /127\.0\.0\.1:\d+ does not answer/);
          assert.match(await headline(page), /^Not complete: 0/);
          assert.equal((await page.request.get(`${url}queues`)).status(), 503);
        });
      }),
    ),
);

test('a page whose server ends says so, and goes on when it is back', { skip }, async () => {
  const first = startPosecast(['dashboard', finished, '--port', '0', '--json']);
  const address = await new Promise<string>((resolve, reject) => {
    first.child.stdout?.once('data', (chunk) => resolve((JSON.parse(String(chunk)) as { url: string }).url));
    first.done.then(({ stderr }) => reject(new Error(stderr)), reject);
  });
  const { page } = await openPage(browser, address);
  await live(page);
  assert.ok(await page.locator('.offline').isHidden());
  first.child.kill('SIGTERM');
  assert.equal((await first.done).code, 0);
  await page.locator('.offline').waitFor({ state: 'visible' });
  const again = startPosecast(['dashboard', finished, '--port', new URL(address).port]);
  await page.locator('.offline').waitFor({ state: 'hidden' });
  again.child.kill('SIGINT');
  assert.equal((await again.done).code, 0);
});

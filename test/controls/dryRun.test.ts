/** `--dry-run` says what the run then is, and leaves no trace. */
import assert from 'node:assert/strict';
import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DryRunReport } from '../../src/cli/dryRun/dryRunEstimate.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { addSamples } from '../helpers/addSamples.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { readRun } from '../helpers/readRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { type S3Service, withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { until } from '../helpers/until.ts';

const samples = join(packageRoot, 'samples', 'london');
const options = ['--variants', '4', '--shard-faces', '2'];

const kind = ({ method, path }: S3Service['requests'][number]): 'lists' | 'writes' | 'reads' =>
  path.includes('list-type') ? 'lists' : method === 'PUT' || method === 'POST' ? 'writes' : 'reads';

test('a dry run writes nothing, and what it says of numbers, size and requests is what the run then does', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const env = { AWS_ENDPOINT_URL_S3: service.endpoint };
    const out = `s3://${service.bucket}/night`;
    const dry = await posecast(['run', samples, out, ...options, '--dry-run', '--json'], env);
    assert.equal(dry.code, 0, dry.stderr);
    const told = JSON.parse(dry.stdout) as DryRunReport;
    assert.ok(
      service.requests.every(({ method }) => method === 'GET' || method === 'HEAD'),
      'only reads',
    );
    assert.deepEqual([told.people, told.faces, told.shards, told.resumes], [12, 24, 12, null]);
    assert.equal(told.estimate.from, 'probe');
    assert.ok(told.estimatedHours > 0 && told.estimatedHours < 1);

    service.requests.length = 0;
    const ran = await posecast(['run', samples, out, ...options, '--json'], env);
    assert.equal(ran.code, 0, ran.stderr);
    const { totals } = JSON.parse(ran.stdout);
    const near = (what: string, said: number, found: number, tolerance: number) =>
      assert.ok(Math.abs(said - found) <= tolerance * found, `${what}: said ${said}, found ${found}`);
    near('variants', told.variants, totals.variants, 0.1);
    near('rows', told.rows, totals.rows, 0.1);
    const found = { writes: 0, reads: 0, lists: 0 };
    for (const request of service.requests) found[kind(request)]++;
    near('writes', told.requests.writes, found.writes, 0.1);
    near('reads', told.requests.reads, found.reads, 0.1);
    near('lists', told.requests.lists, found.lists, 0.3);
  }));

test('the size that a dry run names is the size of what the run writes', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const args = ['run', samples, out, '--variants', '20'];
    const told = JSON.parse((await posecast([...args, '--dry-run', '--json'])).stdout) as DryRunReport;
    await assert.rejects(access(out), { code: 'ENOENT' });
    assert.equal((await posecast(args)).code, 0);
    const { manifest } = await readRun(out);
    const { bytes } = manifest.totals;
    assert.ok(
      Math.abs(told.outputBytes - bytes) < 0.25 * bytes,
      `said ${told.outputBytes}, the data files alone have ${bytes}`,
    );
    const again = await posecast([...args, '--dry-run', '--rate', '10']);
    assert.match(again.stdout, new RegExp(`resumes +run ${manifest.runId}: 0 shards with 0 faces left`));
    const other = await posecast([...args, '--seed', '3', '--dry-run']);
    assert.equal(other.code, 2, 'what the run would refuse, the dry run refuses');
    assert.match(other.stderr, /another run: seed: 0 there, 3 asked/);
  }));

test('a dry run of submit takes a stated rate, and touches neither OUT nor Redis', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const args = ['submit', samples, out, ...options, '--dry-run', '--rate', '12'];
      const dry = await posecast(args, { REDIS_URL: url });
      assert.equal(dry.code, 0, dry.stderr);
      assert.match(dry.stdout, /people +12\n +faces +24, .*\n +shards +12 of at most 2 faces\n/);
      assert.match(dry.stdout, /time +about 2 s .*\n +judged by +the stated rate of 12\.0 photographs\/s/);
      const slow = await posecast([...args.slice(0, -1), '0.001']);
      assert.equal(slow.code, 0, 'without a Redis too');
      assert.match(slow.stdout, /the stated rate of 0\.001 photographs\/s/);
      assert.equal(await redis.dbsize(), 0);
      assert.deepEqual(await readdir(folder), []);
    }),
  ));

test('of an append a dry run counts the variants that the run then makes: none for people who have theirs', () =>
  withTempFolder(async (folder) => {
    const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
    const args = ['run', corpus, out, ...options, '--append'];
    const ask = async () => {
      const dry = await posecast([...args, '--dry-run', '--rate', '10', '--json']);
      assert.equal(dry.code, 0, dry.stderr);
      return JSON.parse(dry.stdout) as DryRunReport;
    };
    await addSamples(corpus, ['001/neutral', '004/neutral']);
    // Somebody without a usable photograph, and so without variants.
    await mkdir(join(corpus, '006'));
    await writeFile(join(corpus, '006', 'broken.jpg'), 'not an image');
    assert.equal((await posecast(args)).code, 0);
    const before = (await readRun(out)).manifest.totals;
    await addSamples(corpus, ['001/smile', '004/smile', '006/smile', '007/smile']);
    const told = await ask();
    assert.deepEqual([told.variants, told.rows, told.atMost], [8, 12, false], 'of 006 and 007');

    assert.equal((await posecast(args)).code, 0);
    const after = (await readRun(out)).manifest.totals;
    assert.equal(after.variants - before.variants, told.variants);
    assert.equal(after.rows - before.rows, told.rows);
    assert.equal((await ask()).variants, 0);

    await rm(join(out, 'commits', '00000003.json'));
    await rm(join(out, '_SUCCESS'));
    const resumed = await ask();
    assert.deepEqual([resumed.left.shards, resumed.atMost], [1, true], 'what its people have is not known');
    const said = await posecast([...args, '--dry-run', '--rate', '10']);
    assert.match(said.stdout, /variants +at most about 8 /);
  }));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends a dry run with one line and exit code 130, and nothing is left of it`, () =>
    withTempFolder(async (folder) => {
      const temporary = join(folder, 'tmp');
      await mkdir(temporary);
      const dry = startPosecast(['run', samples, join(folder, 'out'), '--dry-run'], { TMPDIR: temporary });
      await until('the probe', dry, () => dry.output().includes('measuring this machine'));
      dry.child.kill(signal);
      const { code, stdout, stderr } = await dry.done;
      assert.equal(code, 130, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^measuring this machine .*\nposecast: stopped; .*\n$/);
      assert.deepEqual(await readdir(temporary), []);
      assert.deepEqual(await readdir(folder), ['tmp']);
    }));
}

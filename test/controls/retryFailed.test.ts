/** Failed shards, and photographs that were rejected for a reason that has gone, are taken up again. */
import assert from 'node:assert/strict';
import { access, copyFile, mkdir, readdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { largestDifference, readRun } from '../helpers/readRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { until } from '../helpers/until.ts';

const samples = join(packageRoot, 'samples', 'london');
/** 12 shards of one person each. */
const options = ['--variants', '2', '--shard-faces', '2'];

test('shards that failed for good are done by a new generation, whatever still blocks their old numbers', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      // A folder where the commit belongs: neither read nor written, every attempt of the shard fails.
      for (const shard of [3, 5])
        await mkdir(join(out, 'commits', `0000000${shard}.json`), { recursive: true });
      const worked = await posecast(['work', out], env);
      assert.equal(worked.code, 1, worked.stdout + worked.stderr);
      assert.match(worked.stdout, /shards failed for good[\s\S]*shards +10 of 12 committed, 2 left/);
      // A worker takes no failed shard up, however often it is started.
      assert.ok(worked.stdout.endsWith(`  to go on  posecast retry-failed ${out}\n`), worked.stdout);
      const json = await posecast(['work', out, '--redis', url, '--json']);
      assert.equal(JSON.parse(json.stdout).goOn, `posecast retry-failed ${out} --redis ${url}`);
      const notePath = join(out, 'failures', '00000003.json');
      const noted = await readFile(notePath, 'utf8');
      // A damaged note takes nothing away from what is said of the end.
      await writeFile(notePath, noted.slice(1));
      const untold = await posecast(['work', out], env);
      assert.ok(untold.stdout.endsWith(`  to go on  posecast retry-failed ${out}\n`), untold.stderr);
      await writeFile(notePath, noted);
      const note = JSON.parse(noted);
      assert.deepEqual([note.shard, note.code, note.attempts], [3, 'not-a-file', 3]);

      const other = await posecast(['retry-failed', out, '--codes', 'disk-full'], env);
      assert.equal(other.code, 2);
      assert.match(other.stderr, /expected codes that this run has.*codes=disk-full, has=not-a-file 2/);
      const retried = await posecast(['retry-failed', out, '--codes', 'disk-full,not-a-file', '--json'], env);
      assert.equal(retried.code, 0, retried.stderr);
      const { generation, shards, queued, unknownCodes } = JSON.parse(retried.stdout);
      assert.deepEqual([generation, shards, queued, unknownCodes], [1, 2, 2, ['disk-full']]);
      const again = await posecast(['retry-failed', out], env);
      assert.equal(again.code, 0);
      assert.match(again.stdout, /no shard of run \S+ has failed/);

      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
      const { manifest } = await readRun(out);
      assert.deepEqual(
        manifest.generations.map(({ createdAt: _, ...generation }) => generation),
        [{ generation: 1, kind: 'retry', codes: ['disk-full', 'not-a-file'], firstShard: 12, shards: 2 }],
      );
      assert.deepEqual(await readdir(join(out, 'failures')).catch(() => []), []);
      const undisturbed = join(folder, 'undisturbed');
      assert.equal((await posecast(['run', samples, undisturbed, ...options])).code, 0);
      const [found, expected] = [await readRun(out), await readRun(undisturbed)];
      assert.deepEqual(
        found.rows.map((row) => row.faceId),
        expected.rows.map((row) => row.faceId),
      );
      assert.ok(largestDifference(found, expected) <= 1e-5);
    }),
  ));

test('a shard whose job Redis has lost fails with a message that says so, and is taken up by the command named', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const submitted = await posecast(['submit', samples, out, '--variants', '0', '--json'], env);
      const { runId } = JSON.parse(submitted.stdout);
      assert.equal(await redis.del(`bull:posecast-${runId}:shard-0`), 1);
      const worked = await posecast(['work', out], env);
      assert.equal(worked.code, 1, worked.stdout + worked.stderr);
      assert.match(
        worked.stderr,
        /shard 0 failed \(attempt 1, no other is made\): Redis has lost the job of shard 0\n/,
      );
      assert.doesNotMatch(worked.stderr, /could not be noted/);
      assert.ok(worked.stdout.endsWith(`  to go on  posecast retry-failed ${out}\n`), worked.stdout);
      const notes = join(out, 'failures');
      const { shard, code } = JSON.parse(await readFile(join(notes, '00000000.json'), 'utf8'));
      assert.deepEqual([shard, code], [0, 'lost-job']);

      await rename(notes, join(folder, 'notes'));
      const unnoted = await posecast(['work', out], env);
      assert.equal(unnoted.code, 1);
      assert.match(unnoted.stdout, /to go on +the command that started the run \(posecast run or submit\)/);
      await rename(join(folder, 'notes'), notes);

      assert.equal((await posecast(['retry-failed', out], env)).code, 0);
      assert.equal((await posecast(['work', out], env)).code, 0);
    }),
  ));

test('shards that are missing without a note are left to the command that started the run, which is said', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      const retried = await posecast(['retry-failed', out], env);
      assert.equal(retried.code, 0, retried.stderr);
      assert.match(
        retried.stdout,
        /has failed with a note in OUT\/failures; 12 shards are not committed: .* \(posecast run or submit\)/,
      );
      const json = await posecast(['retry-failed', out, '--json'], env);
      const { runId, ...facts } = JSON.parse(json.stdout);
      assert.deepEqual(facts, { event: 'nothing', missing: 12 });
    }),
  ));

test('a run on a shared Redis tries its failed shards again, however long its commits take to be read', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const run = ['run', samples, out, ...options];
      const blocked = join(out, 'commits', '00000003.json');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      await mkdir(blocked, { recursive: true });
      assert.equal((await posecast(['work', out], env)).code, 1);
      await rmdir(blocked);
      const NODE_OPTIONS = `--import=${new URL('./slowCommits.js', import.meta.url)}`;
      const again = await posecast(run, { ...env, NODE_OPTIONS });
      assert.equal(again.code, 0, again.stderr);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('shards that were taken up again without Redis are queued by the workers', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      await mkdir(join(out, 'commits', '00000003.json'), { recursive: true });
      assert.equal((await posecast(['work', out], env)).code, 1);
      assert.equal((await posecast(['retry-failed', out])).code, 0);
      assert.match((await posecast(['status', out], env)).stdout, /not queued/);
      const NODE_OPTIONS = `--import=${new URL('../faults/shortWaits.js', import.meta.url)}`;
      const worked = await posecast(['work', out], { ...env, NODE_OPTIONS });
      assert.equal(worked.code, 0, worked.stdout);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a worker without OUT takes a run up again when its failed shards are queued again', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      await mkdir(join(out, 'commits', '00000003.json'), { recursive: true });
      const worker = startPosecast(['work', '--threads', '1'], env);
      await until('the failure', worker, () => worker.output().includes('to go on'));
      assert.equal((await posecast(['retry-failed', out], env)).code, 0);
      await until('the end of the run', worker, () => worker.output().includes('is complete'));
      worker.child.kill('SIGTERM');
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('SIGTERM ends an idle worker without OUT with exit code 0 although a run failed', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      await mkdir(join(out, 'commits', '00000003.json'), { recursive: true });
      const worker = startPosecast(['work', '--threads', '1'], env);
      await until('the failure', worker, () => worker.output().includes('to go on'));
      worker.child.kill('SIGTERM');
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
    }),
  ));

test('photographs that were missing are taken up by their code, and only their shards are done again', () =>
  withTempFolder(async (folder) => {
    const images = join(folder, 'images');
    await mkdir(images);
    const people = (await readdir(samples)).slice(0, 6);
    const lines = ['face_id,subject_id,path'];
    for (const id of people) {
      for (const name of ['neutral', 'smile']) {
        lines.push(`${id}-${name},${id},${id}-${name}.jpg`);
        await copyFile(join(samples, id, `${name}.jpg`), join(images, `${id}-${name}.jpg`));
      }
    }
    // Two photographs that are not there yet, and one that is no photograph.
    for (const name of ['a', 'b', 'c']) lines.push(`late-${name},${people[2]},late-${name}.jpg`);
    await writeFile(join(images, 'late-c.jpg'), 'not an image');
    const list = join(folder, 'faces.csv');
    await writeFile(list, `${lines.join('\n')}\n`);
    const out = join(folder, 'out');
    const args = ['run', list, out, '--image-root', images, ...options];
    assert.equal((await posecast(args)).code, 0);
    const before = await readRun(out);
    assert.deepEqual(before.manifest.rejectsByCode, { 'decode/not-an-image': 1, 'read/missing': 2 });

    await copyFile(join(samples, people[2] ?? '', 'smile.jpg'), join(images, 'late-a.jpg'));
    await copyFile(join(samples, people[2] ?? '', 'neutral.jpg'), join(images, 'late-b.jpg'));
    const nothing = await posecast(['retry-failed', out]);
    assert.match(
      nothing.stdout,
      /no shard .* has failed; rejected photographs are taken up by their --codes/,
    );
    const retried = await posecast(['retry-failed', out, '--codes', 'read/missing']);
    assert.equal(retried.code, 0, retried.stderr);
    assert.match(
      retried.stdout,
      /1 shard taken up again as generation 1\n +rejects +1 shard, .* with these codes: 2\n/,
    );
    assert.match(
      retried.stdout,
      /to go on +the command that started .*, unchanged\n +or, where .* another size, .*: posecast work \S+out --redis URL\n/,
    );
    await assert.rejects(access(join(out, '_SUCCESS')), { code: 'ENOENT' });
    assert.deepEqual(await readRun(out), before, 'the old table can be read until the new one is there');
    assert.match((await posecast(['status', out])).stdout, /shards +5 of 6/);

    assert.equal((await posecast(args)).code, 0);
    assert.equal((await posecast(['verify', out])).code, 0);
    const after = await readRun(out);
    assert.deepEqual(after.manifest.rejectsByCode, { 'decode/not-an-image': 1 });
    assert.equal(after.manifest.totals.ok, before.manifest.totals.ok + 2);
    const files = (run: typeof after) =>
      run.manifest.files.filter(({ kind }) => kind === 'data').map(({ key }) => key);
    assert.equal(files(after).filter((key) => files(before).includes(key)).length, 5);
    const gone = await posecast(['retry-failed', out, '--codes', 'read/missing']);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /has=decode\/not-an-image 1/);
  }));

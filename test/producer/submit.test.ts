import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { writeFiles } from './corpusFiles.ts';

const CORPUS = join(packageRoot, 'samples', 'london');
const OPTIONS = ['--variants', '0', '--shard-faces', '4'];

/** A request that must be refused with exit code 2 and one line, and leave nothing behind. */
async function refusal(args: readonly string[], out: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, stdout, stderr } = await posecast(args, env);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  await assert.rejects(readdir(out), { code: 'ENOENT' });
  return stderr;
}

test('a submitted run is planned and queued, and the same command again queues nothing twice', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const env = { REDIS_URL: url };
      const first = await posecast(['submit', CORPUS, out, ...OPTIONS], env);
      assert.equal(first.code, 0, first.stderr);
      assert.match(first.stderr, /planned run \S+: 24 faces of 12 people in 6 shards/);
      assert.match(first.stdout, /queued 6 of 6 shards/);
      const again = await posecast(['submit', CORPUS, out, ...OPTIONS, '--json'], env);
      assert.equal(again.code, 0, again.stderr);
      const { runId, ...queued } = JSON.parse(again.stdout);
      assert.deepEqual(queued, { event: 'queued', out, shards: 6, queued: 0, held: 6, skipped: 0 });
      assert.equal(await redis.llen(`bull:posecast-${runId}:wait`), 6);

      const byRunId = await posecast(['status', runId, '--json'], env);
      const status = JSON.parse(byRunId.stdout);
      assert.deepEqual(
        [status.out, status.state, status.shardsDone, status.queue.waiting],
        [out, 'waiting', 0, 6],
      );
      const withoutRedis = await posecast(['status', out]);
      assert.equal(withoutRedis.code, 0, withoutRedis.stderr);
      assert.match(withoutRedis.stdout, /state +unknown\n +shards +0 of 6 \(0 %\)/);

      const other = await posecast(['submit', CORPUS, out, ...OPTIONS, '--seed', '5'], env);
      assert.equal(other.code, 2);
      assert.match(other.stderr, /OUT holds another run: seed: 0 there, 5 asked/);
    }),
  ));

test('a copy of OUT is refused on the Redis of its original; one that was moved, or has another path, is not', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const [out, copy, path] = ['out', 'copy', 'path'].map((name) => join(folder, name));
      const submit = (to: string) => posecast(['submit', CORPUS, to, ...OPTIONS], env);
      assert.equal((await submit(out!)).code, 0);
      await cp(out!, copy!, { recursive: true });
      for (const args of [
        ['submit', CORPUS, copy!, ...OPTIONS],
        ['run', CORPUS, copy!, ...OPTIONS],
        ['work', copy!],
        ['retry-failed', copy!],
      ]) {
        const refused = await posecast(args, env);
        assert.equal(refused.code, 2, `${args[0]}: ${refused.stderr}`);
        assert.match(
          refused.stderr,
          /expected the only one of run .* posecast forget \S+ \[out=\S+copy, found=\S+out\]/,
        );
      }
      assert.deepEqual(
        (await listRuns(redis)).map((entry) => entry.out),
        [out],
      );
      await symlink(out!, path!);
      assert.equal((await submit(path!)).code, 0);
      await rm(path!);
      await rename(out!, join(folder, 'moved'));
      const moved = await submit(copy!);
      assert.equal(moved.code, 0, moved.stderr);
      assert.deepEqual(
        (await listRuns(redis)).map((entry) => entry.out),
        [copy],
      );
    }),
  ));

test('the command for workers that submit prints has --redis when submit had it, without the password', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const command = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
        const { stdout, stderr } = await posecast(['submit', CORPUS, out, ...OPTIONS, ...args], env);
        return /workers: (.*)/.exec(stdout)?.[1] ?? stderr;
      };
      assert.equal(await command([], { REDIS_URL: url }), `posecast work ${out}`);
      assert.equal(await command(['--redis', url]), `posecast work ${out} --redis ${url}`);
      await redis.config('SET', 'requirepass', 'hunter2');
      const { host } = new URL(url);
      const shown = `posecast work ${out} --redis 'redis://***@${host}'`;
      assert.equal(await command(['--redis', `redis://:hunter2@${host}`]), shown);
    }),
  ));

test('the folder of a FRA model is recorded as an absolute path, so that it is the same model from everywhere', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const fra = join(folder, 'my-fra');
      const elsewhere = join(folder, 'elsewhere');
      await symlink(join(packageRoot, 'models', 'fra', 'fr-feature'), fra);
      await mkdir(elsewhere);
      const submit = (model: string, from = folder) => {
        const args = ['submit', CORPUS, out, '--shard-faces', '4', '--fra', model, '--redis', url];
        return startPosecast(args, {}, ['sh', '-c', 'cd "$0" && exec "$@"', from]).done;
      };
      const first = await submit('my-fra');
      assert.equal(first.code, 0, first.stderr);
      const runFile = join(out, 'run.json');
      const run = JSON.parse(await readFile(runFile, 'utf8'));
      assert.deepEqual([run.config.fra, run.fra.name], [fra, fra]);
      for (const [model, from] of [
        ['./my-fra/', folder],
        [fra, elsewhere],
        ['../my-fra', elsewhere],
      ] as const) {
        const again = await submit(model, from);
        assert.equal(again.code, 0, again.stderr);
      }
      // As runs of before have it.
      const typed = { ...run, config: { ...run.config, fra: 'my-fra' }, fra: { ...run.fra, name: 'my-fra' } };
      await writeFile(runFile, JSON.stringify(typed));
      const resumed = await submit('my-fra');
      assert.equal(resumed.code, 0, resumed.stderr);
      const other = await submit('../my-fra/../my-fra', elsewhere);
      assert.match(other.stderr, /OUT holds another run: fra: "my-fra" there/);
    }),
  ));

test('a Redis that does not answer is refused by host and port, the password unsaid', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const stderr = await refusal(
      ['submit', CORPUS, out, ...OPTIONS, '--redis', 'redis://:hunter2@127.0.0.1:1'],
      out,
    );
    assert.match(stderr, /Redis at 127\.0\.0\.1:1: expected a server that answers.*ECONNREFUSED/);
    assert.doesNotMatch(stderr, /hunter2/);
  }));

test('submit without any Redis URL is refused', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    assert.match(await refusal(['submit', CORPUS, out], out), /expected --redis or REDIS_URL, found neither/);
  }));

test('a missing corpus and a bad list are refused before anything is written', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const env = { REDIS_URL: url };
      assert.match(
        await refusal(['submit', join(folder, 'absent'), out], out, env),
        /CORPUS: expected a folder/,
      );
      await writeFiles(folder, { 'list.csv': 'face_id,subject_id,path\na,b,c\na,b,d\n' });
      const list = ['submit', join(folder, 'list.csv'), out, ...OPTIONS];
      assert.match(
        await refusal(list, out, env),
        /every face_id once, found "a" a second time, first in line 2 .*line=3/,
      );
    }),
  ));

test('the status of a place without a run is refused', () =>
  withTempFolder(async (folder) => {
    const { code, stderr } = await posecast(['status', folder]);
    assert.equal(code, 2);
    assert.match(stderr, /expected a posecast run, found no run.json/);
  }));

test('the status goes on without a Redis that does not answer, and says so', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      await posecast(['submit', CORPUS, out, ...OPTIONS], { REDIS_URL: url });
      const { code, stdout, stderr } = await posecast(['status', out, '--redis', 'redis://127.0.0.1:1']);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /queue and workers are not shown: Redis at 127.0.0.1:1/);
      assert.match(stdout, /shards +0 of 6/);
    }),
  ));

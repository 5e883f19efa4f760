/**
 * Whoever reads what a command prints may go away: the command does its work all the same, and its exit code is true.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../src/shared/package.ts';
import { posecast, startPosecast } from '../../helpers/cli.ts';
import { withRedis } from '../../helpers/services/redis.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

/** The exit code of a command whose standard output and standard error nobody reads. */
async function withoutReaders(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number | null> {
  const { child, done } = startPosecast(args, env);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return (await done).code;
}

test('a run whose output nobody reads is completed, and its hook runs to its end', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const hook = `cd ${folder}; cat > told.json; echo noise; echo noise >&2; cp told.json after.json`;
    assert.equal(await withoutReaders(['run', samples, out, '--variants', '0', '--on-finish', hook]), 0);
    const told = JSON.parse(await readFile(join(folder, 'after.json'), 'utf8'));
    assert.deepEqual([told.event, told.exitCode], ['complete', 0]);
    assert.equal(await withoutReaders(['verify', out]), 0);
  }));

test('a run that fails without readers has the exit code of its failure, and so has its hook', () =>
  withTempFolder(async (folder) => {
    const broken = join(folder, 'broken');
    await mkdir(join(broken, 'anna'), { recursive: true });
    await writeFile(join(broken, 'anna', 'a.jpg'), 'not an image');
    const hook = ['--on-finish', `cat > ${folder}/told.json`];
    const limits = ['--variants', '0', '--max-failure-rate', '0'];
    assert.equal(
      await withoutReaders(['run', broken, join(folder, 'out'), ...limits, '--log-format', 'json', ...hook]),
      1,
    );
    const told = JSON.parse(await readFile(join(folder, 'told.json'), 'utf8'));
    assert.deepEqual([told.event, told.exitCode], ['too-many-rejects', 1]);
  }));

for (const [full, said, more] of [
  ['2>/dev/full', 'stdout', []],
  ['>/dev/full', 'stderr', []],
  ['>/dev/full', 'stderr', ['--json']],
] as const) {
  test(`a run whose ${said === 'stdout' ? 'log' : 'result'} goes to a full disk is completed, and says so once on ${said} ${more}`, () =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const hook = `cd ${folder}; cat > told.json; echo noise && echo noise >&2 && cp told.json after.json`;
      const args = ['run', samples, out, '--variants', '0', ...more, '--on-finish', hook];
      const ran = await startPosecast(args, {}, ['sh', '-c', `exec "$@" ${full}`, 'sh']).done;
      assert.equal(ran.code, 0, ran.stdout + ran.stderr);
      assert.equal([...ran[said].matchAll(/the disk is full/g)].length, 1, ran[said]);
      if (more.length > 0) {
        for (const line of ran.stderr.trim().split('\n')) if (line !== 'noise') JSON.parse(line);
      }
      const told = JSON.parse(await readFile(join(folder, 'after.json'), 'utf8'));
      assert.deepEqual([told.event, told.exitCode], ['complete', 0]);
      assert.equal((await posecast(['verify', out])).code, 0);
    }));
}

test('a result for a program is not mixed with a word about a log on a full disk', () =>
  withTempFolder(async (folder) => {
    const args = ['run', samples, join(folder, 'out'), '--variants', '0', '--json'];
    const ran = await startPosecast(args, {}, ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh']).done;
    assert.equal(ran.code, 0);
    assert.equal(JSON.parse(ran.stdout).event, 'complete');
  }));

test('submit, work and train are not disturbed either, and status --watch ends when nobody watches', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal(await withoutReaders(['submit', samples, out, '--variants', '0'], env), 0);
      assert.equal(await withoutReaders(['status', out, '--watch'], env), 0);
      assert.equal(await withoutReaders(['work', out], env), 0);
      assert.equal((await posecast(['verify', out])).code, 0);
      assert.equal(await withoutReaders(['train', join(folder, 'nowhere'), '--out', join(folder, 'fra')]), 2);
    }),
  ));

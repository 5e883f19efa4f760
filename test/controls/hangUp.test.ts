/** A terminal that goes away, such as by a lost connection: SIGHUP. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/shared/package.ts';
import { type CliProcess, posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits, until } from '../helpers/until.ts';
import { startWatched } from '../helpers/watchedProcess.ts';

const samples = join(packageRoot, 'samples', 'london');
const slow = ['--threads', '1', '--batch', '1'];
const options = ['--variants', '0', '--shard-faces', '2'];

/** What the hook of a run in this folder was told. */
const told = async (folder: string) => JSON.parse(await readFile(join(folder, 'told.json'), 'utf8'));

/** Without a terminal, whatever the tests are started from. */
const start = (args: readonly string[], env?: NodeJS.ProcessEnv): CliProcess =>
  startPosecast(args, env, ['setsid']);

test('SIGHUP hands the shards back, and a second one changes nothing', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const run = start(['run', samples, out, ...options, ...slow, '--on-finish', `cat > ${folder}/told.json`]);
    await until('a commit', run, async () => (await commits(out)) > 0);
    run.child.kill('SIGHUP');
    await until('a word', run, () => run.output().includes('SIGHUP: handing shards back'));
    run.child.kill('SIGHUP');
    assert.equal((await run.done).code, 130, run.output());
    const { event, exitCode, shards } = await told(folder);
    assert.deepEqual([event, exitCode], ['interrupted', 130]);
    assert.ok(shards.done < shards.total);
    assert.equal((await posecast(['run', samples, out, ...options])).code, 0);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('a terminal that goes does not end the command of --on-finish', () =>
  withTempFolder(async (folder) => {
    const [toldFile, go, done] = ['told.json', 'go', 'done'].map((name) => join(folder, name));
    const hook = `cat > ${toldFile}; while [ ! -e ${go} ]; do sleep 0.05; done; echo > ${done}`;
    const run = start(['run', samples, join(folder, 'out'), ...options, '--on-finish', hook]);
    await until('the hook', run, async () => existsSync(toldFile!));
    run.child.kill('SIGHUP');
    await sleep(500);
    await writeFile(go!, '');
    assert.equal((await run.done).code, 0, run.output());
    assert.ok(existsSync(done!), run.output());
  }));

test('to a worker SIGHUP is the notice that SIGTERM is', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      const worker = start(['work', out, ...slow], env);
      await until('a commit', worker, async () => (await commits(out)) > 0);
      worker.child.kill('SIGHUP');
      const { code, stderr } = await worker.done;
      assert.equal(code, 0, stderr);
      assert.match(stderr, /SIGHUP: no new shard is taken/);
    }),
  ));

for (const { title, through, event } of [
  { title: 'a run whose terminal is closed hands its shards back', through: '', event: 'interrupted' },
  { title: 'a run under nohup outlives its terminal', through: 'nohup ', event: 'complete' },
]) {
  test(title, () =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      await mkdir(join(folder, 'home'));
      const program = `${process.execPath} ${join(packageRoot, 'bin', 'posecast.js')}`;
      const command = ['run', samples, out, ...options, ...slow, '--on-finish'].join(' ');
      const hook = `'cat > ${folder}/new.json; mv ${folder}/new.json ${folder}/told.json'`;
      const line = `cd ${folder}/home && exec ${through}${program} ${command} ${hook}`;
      const terminal = startWatched('script', ['--quiet', '--command', line, '/dev/null']);
      const when = async (met: () => Promise<boolean>) => {
        while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await when(async () => (await commits(out)) > 0);
      await terminal.stop();
      await when(() =>
        told(folder).then(
          () => true,
          () => false,
        ),
      );
      assert.equal((await told(folder)).event, event);
    }),
  );
}

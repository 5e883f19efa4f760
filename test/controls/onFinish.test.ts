/** `--on-finish`: every end of a run is told to a command of the user's own, which cannot change it. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOnFinish } from '../../src/cli/onFinish.ts';
import { holdSignals } from '../../src/cli/signals.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

test('a complete run is told on standard input and in a file, and what the command prints is not the result', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const hook = 'cat > told.json; cp "$POSECAST_SUMMARY" file.json; echo noise; exit 3';
    const args = ['run', samples, out, '--variants', '0', '--json', '--on-finish', `cd ${folder}; ${hook}`];
    const ran = await posecast(args);
    assert.equal(ran.code, 0, 'the exit code is the run’s');
    const told = await read(join(folder, 'told.json'));
    assert.deepEqual([told.event, told.exitCode, told.out, told.totals.ok], ['complete', 0, out, 24]);
    assert.deepEqual(told.shards, { done: 1, total: 1 });
    assert.deepEqual(await read(join(folder, 'file.json')), told);
    assert.deepEqual(JSON.parse(ran.stdout), told, 'standard output has the result and nothing else');
    assert.match(ran.stderr, /noise/);
    assert.match(ran.stderr, /--on-finish: the command ended with code 3; the run is what it was without it/);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('a run that stops early, one that is interrupted and one that is refused are told with their exit codes', () =>
  withTempFolder(async (folder) => {
    const told = join(folder, 'told.json');
    const hook = ['--variants', '0', '--on-finish', `cat > ${told}`];
    const broken = join(folder, 'broken');
    await mkdir(join(broken, 'anna'), { recursive: true });
    await writeFile(join(broken, 'anna', 'a.jpg'), 'not an image');
    const early = await posecast(['run', broken, join(folder, 'early'), ...hook, '--max-failure-rate', '0']);
    assert.equal(early.code, 1);
    const { event, exitCode, shards, rejects, goOn } = await read(told);
    assert.deepEqual([event, exitCode, shards], ['too-many-rejects', 1, { done: 0, total: 1 }]);
    assert.equal(rejects.reasons[0].example.uri, 'anna/a.jpg');
    assert.match(goOn, /^posecast run \S+ \S+ --variants 0 --on-finish … --max-failure-rate 1$/);

    const out = join(folder, 'out');
    const corpus = await repeatedSamples(join(folder, 'corpus'), 4);
    const run = startPosecast(['run', corpus, out, ...hook, '--shard-faces', '2', '--threads', '1']);
    while (
      (await readdir(join(out, 'commits')).catch(() => [])).length === 0 &&
      run.child.exitCode === null
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    run.child.kill('SIGTERM');
    assert.equal((await run.done).code, 130);
    const stopped = await read(told);
    assert.deepEqual([stopped.event, stopped.exitCode, stopped.out], ['interrupted', 130, out]);
    assert.ok(stopped.shards.done > 0 && stopped.shards.done < stopped.shards.total);

    assert.equal((await posecast(['run', join(folder, 'nowhere'), out, ...hook])).code, 2);
    const refused = await read(told);
    assert.deepEqual([refused.event, refused.exitCode, refused.out], ['refused', 2, out]);
    assert.match(refused.message, /CORPUS: expected a folder/);
  }));

test('a run that is refused for its options is told; a command line that cannot be read, and a dry run, call nobody', () =>
  withTempFolder(async (folder) => {
    const told = join(folder, 'told.json');
    const refused = async (...options: readonly string[]) => {
      const args = ['run', samples, join(folder, 'out'), ...options, '--on-finish', `cat > ${told}`];
      const ran = await posecast(args);
      assert.equal(ran.code, 2, ran.stdout + ran.stderr);
      const facts = await read(told).catch(() => undefined);
      await rm(told, { force: true });
      return facts && [facts.event, facts.exitCode, facts.message];
    };
    const deadline = await refused('--deadline', '2020-01-01T07:00Z');
    assert.deepEqual(deadline?.slice(0, 2), ['refused', 2]);
    assert.match(deadline?.[2], /--deadline: expected a moment to come, .*2020-01-01T07:00:00\.000Z/);
    assert.deepEqual(await refused('--rate', '5'), [
      'refused',
      2,
      '--rate: expected with --dry-run only [rate=5]',
    ]);
    assert.equal(await refused('--threads', '0'), undefined);
    assert.equal(await refused('--dry-run'), undefined);
  }));

test('a command that hangs is ended together with what it started', () =>
  withTempFolder(async (folder) => {
    const said: string[] = [];
    const pidFile = join(folder, 'pid');
    await runOnFinish(
      `sleep 600 & echo $! > ${pidFile}; wait`,
      {},
      { say: (line) => said.push(line), limitMs: 500 },
    );
    assert.match(said.join(), /ended after 0\.5 s/);
    const pid = Number(await readFile(pidFile, 'utf8'));
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
    assert.ok(state === 'gone' || / Z /.test(state), state);
  }));

test('a command that reads nothing, and one that is not there, disturb nothing', async () => {
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
  };
  const large = { text: 'x'.repeat(1_000_000) };
  await runOnFinish('true', large, { say });
  assert.equal(said.length, 0);
  await runOnFinish('posecast-no-such-command 2>/dev/null', large, { say });
  assert.match(said.join(), /ended with code 127/);
});

test('a command is called also where no temporary file can be made: the summary is on its standard input', async () => {
  const said: string[] = [];
  await withEnvironment({ TMPDIR: '/posecast/no/such/folder' }, () =>
    runOnFinish(
      'grep -q complete && test -z "$POSECAST_SUMMARY"',
      { event: 'complete' },
      {
        say: (line) => said.push(line),
      },
    ),
  );
  assert.equal(said.length, 1, said.join());
  assert.match(said[0]!, /the summary is on standard input alone \(.*\/posecast\/no\/such\/folder/);
});

test('a run that is refused keeps its reason and its exit code where its command has no temporary folder', () =>
  withTempFolder(async (folder) => {
    const args = ['run', join(folder, 'nowhere'), join(folder, 'out'), '--on-finish', 'true'];
    const ran = await posecast(args, { TMPDIR: join(folder, 'none') });
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(ran.stderr, /CORPUS: expected a folder/);
  }));

test('a signal that nobody listens to does not end the process while signals are held', async () => {
  const release = holdSignals();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(process.pid, name);
  await sleep(200);
  release();
  assert.equal(process.listenerCount('SIGTERM'), 0);
});

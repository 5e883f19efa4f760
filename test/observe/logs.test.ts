/** `--log-format json`: whatever happens, standard error is JSON that says which run, shard, stage and code. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { posecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { makeSmallShards } from '../soak/smallShards.ts';

const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a JSON log names run, shard, stage and code; the result stays text on standard output', () =>
  withTempFolder(async (folder) => {
    const { corpus, options, env } = await makeSmallShards(folder, 4);
    const out = join(folder, 'out');
    const log = ['--log-format', 'json', '--log-level', 'debug', '--on-finish', 'exit 3'];
    const ran = await posecast(['run', corpus, out, ...options, '--shard-faces', '2', ...log], env);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^run \S+ is complete\n {2}people/);
    const runId = /^run (\S+)/.exec(ran.stdout)?.[1];
    const said = lines(ran.stderr);
    for (const { level, time, pid, event } of said) {
      assert.ok(['debug', 'info', 'warn', 'error'].includes(String(level)));
      assert.equal(new Date(String(time)).toISOString(), time);
      assert.equal(typeof pid, 'number');
      assert.ok(['note', 'progress', 'reject', 'shard'].includes(String(event)));
    }
    const rejected = said.find(({ stage }) => stage !== undefined);
    const { time: _, pid: __, ...facts } = rejected ?? {};
    assert.deepEqual(facts, {
      level: 'debug',
      event: 'reject',
      run: runId,
      shard: 0,
      stage: 'decode',
      code: 'not-an-image',
      face: 'face-0',
      message: facts.message,
    });
    assert.match(String(facts.message), /^broken\.png is rejected: /);
    const committed = said.filter(({ event, outcome }) => event === 'shard' && outcome === 'committed');
    assert.deepEqual(committed.map(({ shard }) => shard).sort(), [0, 1]);
    for (const { run, level } of committed) assert.deepEqual([run, level], [runId, 'debug']);
    assert.ok(
      said.some(({ event, facesTotal, run }) => event === 'progress' && facesTotal === 4 && run === runId),
    );
    assert.match(String(said.at(-1)?.message), /--on-finish: the command ended with code 3/);

    const again = await posecast(
      ['run', corpus, out, ...options, '--log-format', 'json', '--variants', '3'],
      env,
    );
    assert.equal(again.code, 2);
    const refused = lines(again.stderr).at(-1);
    assert.equal(refused?.level, 'error');
    assert.equal(typeof refused?.code, 'string');
    assert.match(String(refused?.message), /^posecast: /);
  }));

test('a level that is not known is refused with those that are', async () => {
  const ran = await posecast(['work', 'nowhere', '--log-level', 'loud']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error, warn, info, debug/);
});

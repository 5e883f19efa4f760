import assert from 'node:assert/strict';
import { test } from 'node:test';
import { posecast } from '../helpers/cli.ts';

test('help before a command is --help after it', async () => {
  const [all, run, pull] = await Promise.all(
    [['help'], ['help', 'status'], ['help', 'models', 'pull']].map(posecastOf),
  );
  assert.deepEqual([all?.code, run?.code, pull?.code], [0, 0, 0]);
  assert.match(all?.stdout ?? '', /^Usage: posecast COMMAND/);
  assert.match(run?.stdout ?? '', /^Usage: posecast status /);
  assert.match(pull?.stdout ?? '', /^Usage: posecast models pull /);
});

function posecastOf(args: readonly string[]) {
  return posecast(args);
}

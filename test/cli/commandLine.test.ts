import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownCommandLine } from '../../src/cli/commandLine.ts';

test('a command line is shown as it can be pasted', () => {
  const argv = ['run', '/data/my faces', "it's", '--deadline', '07:00', '--seed=3'];
  assert.equal(shownCommandLine(argv), "posecast run '/data/my faces' 'it'\\''s' --deadline 07:00 --seed=3");
  assert.equal(
    shownCommandLine(argv, { options: ['--deadline', '--seed'] }),
    "posecast run '/data/my faces' 'it'\\''s'",
  );
  assert.equal(
    shownCommandLine(['train', '$HOME/faces', '`id`', '--resume', '--name', ''], { switches: ['--resume'] }),
    "posecast train '$HOME/faces' '`id`' --name ''",
  );
});

test('passwords, and commands that may hold tokens, are not shown', () => {
  const shown = [
    ['--redis', 'redis://me:hunter2@queue:6379/1'],
    ['--redis=rediss://:hunter2@queue'],
    ['--on-finish', 'curl -H "token: hunter2"'],
    ['--on-finish=curl hunter2'],
    ['--s3-endpoint', 'http://key:hunter2/x@host'],
  ].map((argv) => shownCommandLine(['run', ...argv]));
  for (const line of shown) assert.doesNotMatch(line, /hunter2/, line);
  assert.equal(shown[0], "posecast run --redis 'redis://***@queue:6379/1'");
});

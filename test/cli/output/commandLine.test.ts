import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resumeCommandLine, shownCommandLine, workCommandLine } from '../../../src/cli/output/commandLine.ts';

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

test('after -- there are no options: what is added to a command line comes before, and what looks like one stays', () => {
  const argv = ['run', '--deadline', '07:00', '--seed', '3', '--', '-photos', '--deadline'];
  assert.equal(
    shownCommandLine(argv, { options: ['--deadline'], added: ['--max-failure-rate', '1'] }),
    'posecast run --seed 3 --max-failure-rate 1 -- -photos --deadline',
  );
});

test('the command line of another command has the options that reach the same run, and no others', () => {
  const flags = {
    redis: 'redis://:hunter2@queue',
    s3Endpoint: 'http://store:9000',
    s3AddressingStyle: 'virtual',
    corpusS3Region: 'eu-west-1',
    seed: 3,
  } as const;
  assert.equal(
    workCommandLine('s3://bucket/my run', flags),
    "posecast work 's3://bucket/my run' --redis 'redis://***@queue' --s3-endpoint http://store:9000 " +
      '--s3-addressing-style virtual --corpus-s3-region eu-west-1',
  );
  assert.equal(
    resumeCommandLine('/my runs/1', flags),
    "posecast resume '/my runs/1' --s3-endpoint http://store:9000 --s3-addressing-style virtual",
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

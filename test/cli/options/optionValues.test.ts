import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, InvalidArgumentError } from 'commander';
import { benchCommand } from '../../../src/cli/bench.ts';
import { dashboardCommand } from '../../../src/cli/dashboard.ts';
import { evaluateCommand } from '../../../src/cli/evaluate.ts';
import { exporterCommand } from '../../../src/cli/exporter.ts';
import { inspectCommand } from '../../../src/cli/inspect.ts';
import { labelColumns } from '../../../src/cli/options/labelOptions.ts';
import { retryFailedCommand } from '../../../src/cli/retryFailed.ts';
import { runCommand } from '../../../src/cli/run.ts';
import { trainCommand } from '../../../src/cli/train.ts';
import { workCommand } from '../../../src/cli/work.ts';

/** Options that want a number, each with one that is right. */
const NUMBERS: readonly (readonly [Command, Readonly<Record<string, string>>])[] = [
  [
    runCommand(),
    {
      '--variants': '10',
      '--min-similarity': '-0.5',
      '--seed': '0',
      '--shard-faces': '512',
      '--shard-megabytes': '.5',
      '--rate': '4000',
      '--max-failure-rate': '1',
      '--stuck-after': '90',
      '--threads': '2',
      '--batch': '32',
      '--metrics-port': '0',
    },
  ],
  [workCommand(), { '--grace': '0' }],
  [dashboardCommand(), { '--port': '65535' }],
  [benchCommand(), { '--faces': '480', '--variants': '0' }],
  [evaluateCommand(), { '--seed': '0', '--folds': '4', '--min-yaw': '30' }],
  [
    trainCommand(),
    {
      '--seed': '0',
      '--combiner-steps': '1e3',
      '--learning-rate': '1e-4',
      '--validation-share': '0.15',
      '--yaw-knots': '-30,0,30',
    },
  ],
];

function parserOf(command: Command, name: string): (text: string) => unknown {
  const option = command.options.find(({ long }) => long === name);
  assert.ok(option?.parseArg !== undefined, name);
  return (text) => option.parseArg?.(text, []);
}

test('an option that wants a number takes numbers only, and says which', () => {
  for (const [command, values] of NUMBERS) {
    for (const [name, right] of Object.entries(values)) {
      const parse = parserOf(command, name);
      assert.doesNotThrow(() => parse(right), name);
      for (const wrong of ['', ' ', 'ten', '0x10', '0x1', 'Infinity', '1_000', `${right},,${right}`]) {
        assert.throws(
          () => parse(wrong),
          (error) => {
            const [, example] = /^Expected .*, such as (.*)\.$/.exec((error as Error).message) ?? [];
            parse(example ?? '');
            return error instanceof InvalidArgumentError;
          },
          `${command.name()} ${name} '${wrong}'`,
        );
      }
    }
  }
});

test('a share, a port, degrees and seconds are within their range', () => {
  const outside = [
    [runCommand(), '--max-failure-rate', ['-0.1', '1.1']],
    [runCommand(), '--stuck-after', ['-1', '0', '14', '1000001']],
    [runCommand(), '--rate', ['0']],
    [runCommand(), '--threads', ['0', '1.5']],
    [dashboardCommand(), '--port', ['-1', '65536', '80.5']],
    [evaluateCommand(), '--min-yaw', ['-1', '91']],
    [evaluateCommand(), '--seed', ['-1', '9007199254740992']],
    [evaluateCommand(), '--folds', ['1', '2.5']],
    [trainCommand(), '--validation-share', ['0', '1']],
    [trainCommand(), '--learning-rate', ['0']],
    [trainCommand(), '--yaw-knots', ['30,0', '0,91']],
  ] as const;
  for (const [command, name, values] of outside) {
    for (const value of values)
      assert.throws(() => parserOf(command, name)(value), InvalidArgumentError, `${name} ${value}`);
  }
});

test('a number of a run that is out of its range is refused with the range', () => {
  for (const [name, range, values] of [
    ['--variants', 'a whole number from 0 to 10000', ['-1', '1.5', '10001', '99999999999999999999']],
    ['--seed', 'a whole number from 0 to 9007199254740991', ['-1', '1e16']],
    ['--min-similarity', 'a cosine similarity from -1 to 1', ['-1.1', '10']],
    ['--shard-faces', 'a whole number from 1 to 100000', ['0', '100001']],
    ['--threads', 'a whole number from 1 to 1000000', ['0', '99999999999999999999']],
    ['--batch', 'a whole number from 1 to 100000, or "probe"', ['0', '99999999999999999999']],
  ] as const) {
    for (const value of values) {
      assert.throws(() => parserOf(runCommand(), name)(value), {
        name: 'InvalidArgumentError',
        message: new RegExp(`^Expected ${range}, such as `),
      });
    }
  }
});

test('an option that may be repeated gathers its values, none of them blank', () => {
  const option = evaluateCommand().options.find(({ long }) => long === '--fra');
  assert.deepEqual(option?.parseArg?.('b', ['a']), ['a', 'b']);
  assert.throws(() => option?.parseArg?.(' ', []), InvalidArgumentError);
});

test('a place that is named by nothing, as by an unset variable, is refused: it would be the current folder', () => {
  const places = [
    [runCommand(), '--fra'],
    [trainCommand(), '--out', '--autoencoder', '--parts'],
    [evaluateCommand(), '--out', '--distractors', '--fra', '--pairs', '--pairs-file'],
    ...inspectCommand().commands.map((command) => [command, '--out'] as const),
  ] as const;
  for (const [command, ...names] of places) {
    for (const name of names)
      assert.throws(() => parserOf(command, name)(''), InvalidArgumentError, `${command.name()} ${name}`);
  }
  for (const command of [evaluateCommand(), benchCommand()]) {
    const [corpus] = command.registeredArguments;
    assert.throws(() => corpus?.parseArg?.('', undefined), InvalidArgumentError, command.name());
  }
});

test('an address to listen on that is blank, as of an unset variable, is refused: it would be every address', () => {
  for (const [command, name] of [
    [dashboardCommand(), '--host'],
    [exporterCommand(), '--host'],
    [runCommand(), '--metrics-host'],
    [workCommand(), '--metrics-host'],
  ] as const) {
    const parse = parserOf(command, name);
    assert.equal(parse('0.0.0.0'), '0.0.0.0');
    for (const blank of ['', ' '])
      assert.throws(() => parse(blank), InvalidArgumentError, `${command.name()} ${name}`);
  }
});

test('a command for the end that is blank, as of an unset variable, is refused: nothing would be called', () => {
  for (const blank of ['', ' '])
    assert.throws(() => parserOf(runCommand(), '--on-finish')(blank), InvalidArgumentError);
});

test('a person who is named by nothing is refused, and people are gathered', () => {
  const subject = inspectCommand().commands.find((command) => command.name() === 'subject');
  const people = subject?.registeredArguments[1];
  assert.deepEqual(people?.parseArg?.('002', ['001']), ['001', '002']);
  assert.throws(() => people?.parseArg?.(' ', []), InvalidArgumentError);
});

test('no word of a list with commas is empty', () => {
  const lists = [
    [trainCommand(), '--parts', 'ridge'],
    [trainCommand(), '--without', 'pose'],
    [trainCommand(), '--yaw-knots', '15'],
    [evaluateCommand(), '--tasks', 'clustering'],
    [retryFailedCommand(), '--codes', 'crashed'],
  ] as const;
  for (const [command, name, word] of lists) {
    const parse = parserOf(command, name);
    assert.doesNotThrow(() => parse(word), name);
    for (const list of ['', ',', `,${word}`, `${word},`]) {
      assert.throws(() => parse(list), InvalidArgumentError, `${name}=${list}`);
    }
  }
  for (const list of ['', ',', 'age,']) {
    assert.throws(() => labelColumns(list, 'csv'), { code: 'bad-option' }, `--label-columns=${list}`);
  }
});

test('another name of a dashboard takes one word, and leaves what follows to the runs', () => {
  const command = dashboardCommand();
  const { operands } = command.parseOptions([
    '--allow-host',
    'a.example',
    '--allow-host',
    'b.example',
    'out',
  ]);
  assert.deepEqual(operands, ['out']);
  assert.deepEqual(command.opts().allowHost, ['a.example', 'b.example']);
});

test('another name of a dashboard is kept as requests have it, and what no request has is refused', () => {
  const parse = parserOf(dashboardCommand(), '--allow-host');
  for (const [typed, name] of [
    ['Faces.Example.org:8443', 'faces.example.org'],
    ['c.example.org.', 'c.example.org'],
    ['fd00::7', 'fd00::7'],
    ['[fd00::7]:80', 'fd00::7'],
  ] as const) {
    assert.deepEqual(parse(typed), [name], typed);
  }
  for (const wrong of [
    '',
    ' ',
    'https://b.example.org',
    'b.example.org/faces',
    '*.example.org',
    ':8443',
    'a,b',
  ])
    assert.throws(() => parse(wrong), InvalidArgumentError, `'${wrong}'`);
});

/** The options of a dry run, and which others do not go with it. */
import type { Command } from 'commander';
import { ConfigError } from '../../shared/errors.ts';
import { optionOfFlag } from '../output/commandLine.ts';
import { photographsPerSecond } from './optionValues.ts';

export interface DryRunFlags {
  readonly dryRun: boolean;
  /** Photographs per second. */
  readonly rate?: number;
}

/** Options that a dry run could do nothing with: who gives one expects something that does not happen. */
const USELESS = [
  'redis',
  'wait',
  'deadline',
  'maxFailureRate',
  'stuckAfter',
  'onFinish',
  'metricsPort',
  'metricsHost',
  'trace',
];

export function addDryRunOptions(command: Command): Command {
  return command
    .optionsGroup('Dry run:')
    .option(
      '--dry-run',
      'say what the run would be (people, faces, shards, hours, size, requests), write nothing to OUT or Redis',
      false,
    )
    .option(
      '--rate <n>',
      'with --dry-run: photographs per second of all machines together, instead of a probe of this one',
      photographsPerSecond,
    )
    .optionsGroup('Options:');
}

/** @throws ConfigError for a rate without a dry run. */
export function refuseRate({ rate }: DryRunFlags): void {
  if (rate === undefined) return;
  throw new ConfigError('bad-option', '--rate: expected with --dry-run only', { rate });
}

/** @throws ConfigError for what a dry run has no use for. */
export function refuseUseless(command: Command): void {
  // Some have defaults.
  const useless = USELESS.find((name) => command.getOptionValueSource(name) === 'cli');
  if (useless === undefined) return;
  throw new ConfigError(
    'bad-option',
    `${optionOfFlag(useless)}: expected without --dry-run, which only says what the run would be`,
  );
}

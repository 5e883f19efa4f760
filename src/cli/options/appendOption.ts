/** `--append` of `run` and `submit`, and what is said about it. */
import type { Command } from 'commander';
import type { AppendOutcome } from '../../producer/append/appendToRun.ts';
import { count, counted } from '../../shared/text/counted.ts';

export interface AppendFlag {
  readonly append?: boolean;
}

export function addAppendOption(command: Command): Command {
  return command
    .optionsGroup('What goes in:')
    .option(
      '--append',
      'process only photographs added to the corpus since OUT was planned (an empty OUT gets an ordinary run)',
    )
    .optionsGroup('Options:');
}

/** What an append came to, for a person. */
export function describeAppend(outcome: AppendOutcome): string[] {
  switch (outcome.status) {
    case 'waits':
      return [
        `${counted(outcome.missing, 'shard has', 'shards have')} to be committed first; new photographs are looked for then`,
      ];
    case 'nothing':
      return ['no new photographs', ...describeGone(outcome.gone)];
    case 'planned': {
      const { generation, added, shards, subjects, gone } = outcome.generation;
      const known = subjects.rows - added.subjects;
      return [
        `generation ${generation}: ${counted(added.faces, 'new photograph', 'new photographs')} in ` +
          `${counted(shards, 'shard', 'shards')}, of ${counted(added.subjects, 'new person', 'new people')} ` +
          `and ${count(known)} who ${known === 1 ? 'has' : 'have'} rows already`,
        ...describeGone(gone),
      ];
    }
  }
}

function describeGone(gone: number): string[] {
  return gone === 0
    ? []
    : [`${counted(gone, 'photograph', 'photographs')} of the run no longer in the corpus; their rows stay`];
}

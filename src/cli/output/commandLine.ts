/** Command lines as text that a person can paste into a shell, without what must not be shown. */

import { withoutSecrets } from '../../shared/text/secrets.ts';
import type { RedisFlag } from '../options/redisUrl.ts';
import {
  CORPUS_STORE_FLAGS,
  type CorpusStoreFlags,
  STORE_FLAGS,
  type StoreFlags,
} from '../options/storeOptions.ts';

/** Options whose values may hold secrets, such as a token in a header: the value is left out. */
const PRIVATE_VALUES = new Set(['--on-finish']);

/** What is different in a repetition. */
interface Changes {
  /** Left out: options with a value each, and switches. */
  readonly options?: readonly string[];
  readonly switches?: readonly string[];
  /** Words after the options. */
  readonly added?: readonly string[];
}

export function shownCommandLine(
  argv: readonly string[],
  { options = [], switches = [], added = [] }: Changes = {},
): string {
  // What follows it is no option, whatever it looks like.
  const end = argv.indexOf('--');
  const given = end === -1 ? argv : argv.slice(0, end);
  const operands = end === -1 ? [] : argv.slice(end);
  const words: string[] = [];
  for (let i = 0; i < given.length; i++) {
    const word = given[i] ?? '';
    const name = word.split('=', 1)[0] ?? '';
    const valueFollows = name === word;
    if (switches.includes(word)) continue;
    if (options.includes(name)) {
      if (valueFollows) i++;
    } else if (PRIVATE_VALUES.has(name)) {
      if (valueFollows) i++;
      words.push(`${name} …`);
    } else words.push(shown(word));
  }
  return ['posecast', ...words, ...[...added, ...operands].map(shown)].join(' ');
}

/** `shardFaces` → `--shard-faces`: what is typed for a flag that commander gives. */
export function optionOfFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The command line of a worker on a run. `flags`, here and below: those of this command. */
export function workCommandLine(out: string, flags: RedisFlag & CorpusStoreFlags): string {
  return onRun('work', out, flags, ['redis', ...STORE_FLAGS, ...CORPUS_STORE_FLAGS]);
}

/** The command line that takes failed shards up again, as far as they are noted in OUT. */
export function retryFailedCommandLine(out: string, flags: RedisFlag & StoreFlags): string {
  return onRun('retry-failed', out, flags, ['redis', ...STORE_FLAGS]);
}

/** The command line that ends a pause. */
export function resumeCommandLine(out: string, flags: StoreFlags): string {
  return onRun('resume', out, flags, STORE_FLAGS);
}

/**
 * Another command on the same run: what was given to reach it is given again, what the environment says stays there.
 */
function onRun<Name extends string>(
  command: string,
  out: string,
  flags: Readonly<Partial<Record<Name, string>>>,
  names: readonly Name[],
): string {
  const options = names.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [optionOfFlag(name), value];
  });
  return shownCommandLine([command, out, ...options]);
}

function shown(word: string): string {
  const text = withoutSecrets(word);
  return /^[\w@%+=:,./…-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

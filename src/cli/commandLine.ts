/** Command lines as text that a person can paste into a shell, without what must not be shown. */

import { withoutSecrets } from '../shared/secrets.ts';

/** Options whose values may hold secrets, such as a token in a header: the value is left out. */
const PRIVATE_VALUES = new Set(['--on-finish']);

/** What has no place in a repetition: options with a value each, and switches. */
interface Omitted {
  readonly options?: readonly string[];
  readonly switches?: readonly string[];
}

export function shownCommandLine(
  argv: readonly string[],
  { options = [], switches = [] }: Omitted = {},
): string {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    const name = word.split('=', 1)[0] ?? '';
    const valueFollows = name === word;
    if (switches.includes(word)) continue;
    if (options.includes(name)) {
      if (valueFollows) i++;
    } else if (PRIVATE_VALUES.has(name)) {
      if (valueFollows) i++;
      words.push(`${name} …`);
    } else words.push(shellWord(withoutSecrets(word)));
  }
  return ['posecast', ...words].join(' ');
}

/** `shardFaces` → `--shard-faces`: what is typed for a flag that commander gives. */
export function optionOfFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The command line of a worker on a run. `redis`: the value of --redis, when that is where the URL came from. */
export function workCommandLine(out: string, redis: string | undefined): string {
  return shownCommandLine(['work', out, ...(redis === undefined ? [] : ['--redis', redis])]);
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

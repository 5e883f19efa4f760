/** What the command line really offers: its own help, asked once a command. */
import { posecast } from '../helpers/cli.ts';

const helps = new Map<string, Promise<string>>();

export function helpOf(command: string): Promise<string> {
  let help = helps.get(command);
  if (help === undefined) {
    help = posecast([...command.split(' '), '--help']).then(({ stdout }) => stdout);
    helps.set(command, help);
  }
  return help;
}

/** Options of a command, such as `--grace`. */
export async function optionsOf(command: string): Promise<ReadonlySet<string>> {
  const lines = (await helpOf(command)).split('\n');
  return new Set(lines.flatMap((line) => /^\s+(?:-\w, )?(--[a-z0-9-]+)/.exec(line)?.[1] ?? []));
}

/** Seconds that an option of `work` has by default. */
export async function workDefault(option: string): Promise<number> {
  const text = (await helpOf('work')).replace(/\s+/g, ' ');
  const found = new RegExp(`${option} <[^>]+> .*?\\(default: (\\d+)\\)`).exec(text)?.[1];
  if (found === undefined) throw new Error(`no default of ${option} in the help of work`);
  return Number(found);
}

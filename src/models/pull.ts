/** Brings models into the cache: fetch, check, convert, normalise, probe, publish. */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError, IntegrityError, PosecastError } from '../shared/errors.ts';
import {
  checkPin,
  combineDigests,
  type ModelRecord,
  makeWorkFolder,
  publishModel,
  type ResolvedModel,
  resolveModel,
  writePin,
} from './cache.ts';
import { DownloadError } from './download.ts';
import { NORMALIZER_VERSION } from './normalize.ts';
import { type PreparedModel, prepareModel } from './prepare.ts';
import { findModel, loadRegistry, type ModelEntry, type ModelFile, type Registry } from './registry.ts';
import { hashBytes, hashFile, type OnProgress, openSourceFetcher, readLocal } from './sources.ts';

export interface PullOptions {
  readonly onProgress?: OnProgress;
  /** Fetches again what is cached. @default false */
  readonly force?: boolean;
  /** A file, or a folder to look in, instead of the registry's source; checksums are the registry's. */
  readonly from?: string;
}

/** Pulls one model; one that is cached is returned as it is. A failed pull leaves nothing behind. */
export async function pullModel(entry: ModelEntry, options: PullOptions = {}): Promise<ResolvedModel> {
  const [model] = await pullModels([entry], options);
  if (model === undefined) throw new TypeError('one entry gives one model');
  return model;
}

/** Pulls several models; an archive that holds several is fetched once. Stops at the first failure. */
export async function pullModels(
  entries: readonly ModelEntry[],
  { onProgress = () => {}, force = false, from }: PullOptions = {},
): Promise<ResolvedModel[]> {
  const cached = new Map<ModelEntry, ResolvedModel | undefined>();
  for (const entry of entries) cached.set(entry, force ? undefined : await resolveModel(entry));
  const missing = entries.filter((entry) => cached.get(entry) === undefined);
  if (missing.length > 0) {
    const work = await makeWorkFolder();
    try {
      const fetcher = openSourceFetcher(work, missing, onProgress);
      for (const [i, entry] of missing.entries()) {
        const read = (role: string, file: ModelFile): Promise<Uint8Array> =>
          from === undefined ? fetcher.fetch(entry, file) : readFrom(from, entry, role, file);
        cached.set(entry, await pullOne(entry, join(work, `model-${i}`), read, force, onProgress));
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return entries.flatMap((entry) => cached.get(entry) ?? []);
}

/** Cached models by name; what is missing is pulled, and said. Throws ConfigError for a name nobody knows. */
export async function ensureModels(
  names: readonly string[],
  onProgress?: OnProgress,
  registry?: Registry,
): Promise<ResolvedModel[]> {
  const known = registry ?? (await loadRegistry());
  const entries = names.map((name) => findModel(known, name));
  return await pullModels(entries, onProgress === undefined ? {} : { onProgress });
}

async function pullOne(
  entry: ModelEntry,
  folder: string,
  read: (role: string, file: ModelFile) => Promise<Uint8Array>,
  replace: boolean,
  onProgress: OnProgress,
): Promise<ResolvedModel> {
  const { weights, trainingData } = entry.licence;
  onProgress(`${entry.name}: licence of the weights: ${weights}; training data: ${trainingData}`);
  await mkdir(folder, { recursive: true });
  const files: ModelRecord['files'] = {};
  const pins: [source: string, sha256: string][] = [];
  for (const [role, file] of Object.entries(entry.files)) {
    try {
      const source = await read(role, file);
      const sourceSha256 = hashBytes(source);
      await checkSource(file, source, sourceSha256);
      const prepared = await prepareModel(source, file, entry.preprocess.layout);
      await writeDurably(join(folder, `${role}.onnx`), prepared.bytes);
      if (file.sha256 === null) pins.push([file.source, sourceSha256]);
      files[role] = {
        source: file.source,
        sourceSha256,
        sha256: hashBytes(prepared.bytes),
        bytes: prepared.bytes.length,
        batch: prepared.batch,
        flushedWeights: prepared.flushedWeights,
        inputs: prepared.signature.inputs.map(({ name, shape }) => ({ name, shape: [...shape] })),
        outputs: prepared.signature.outputs.map(({ name, shape }) => ({ name, shape: [...shape] })),
        singleDifference: prepared.probe.singleDifference,
        batchDifference: prepared.batch === 'free' ? prepared.probe.batchDifference : null,
      };
      onProgress(describePrepared(entry, role, prepared));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw namedError(error, entry, role);
    }
  }
  const digests = (pick: 'sha256' | 'sourceSha256'): string =>
    combineDigests(Object.fromEntries(Object.entries(files).map(([role, file]) => [role, file[pick]])));
  const record: ModelRecord = {
    recordVersion: 1,
    name: entry.name,
    normalizerVersion: NORMALIZER_VERSION,
    sha256: digests('sha256'),
    sourceSha256: digests('sourceSha256'),
    files,
  };
  await writeDurably(join(folder, 'model.json'), Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`));
  for (const [source, sha256] of pins) await writePin(source, sha256);
  return await publishModel(entry, folder, replace);
}

/** Throws IntegrityError unless the file is the one the registry, or the first download, names. */
async function checkSource(file: ModelFile, source: Uint8Array, found: string): Promise<void> {
  if (file.sha256 === null) return await checkPin(file.source, found);
  if (found === file.sha256) return;
  throw new IntegrityError(
    'wrong-checksum',
    `file is not the one of the registry: expected sha256 ${file.sha256}, found ${found}`,
    { bytes: source.length },
  );
}

function describePrepared(entry: ModelEntry, role: string, prepared: PreparedModel): string {
  const what = Object.keys(entry.files).length > 1 ? `${entry.name}/${role}` : entry.name;
  const { flushedWeights, probe } = prepared;
  const flushed =
    flushedWeights > 0 ? `, ${flushedWeights.toLocaleString('en-US')} vanishing weights zeroed` : '';
  return prepared.batch === 'free'
    ? `${what}: any batch size${flushed}, largest difference to the published graph ${Math.max(probe.singleDifference, probe.batchDifference)}`
    : `${what}: the graph runs only with the batch it declares${flushed}, largest difference ${probe.singleDifference}`;
}

/** The same kind of error with the model in front. */
function namedError(error: unknown, entry: ModelEntry, role: string): Error {
  const facts = Object.keys(entry.files).length > 1 ? { file: role } : {};
  const message = `cannot pull ${entry.name}`;
  if (error instanceof DownloadError) return new DownloadError(error.code, message, facts, error);
  const code = error instanceof PosecastError ? error.code : 'pull-failed';
  return error instanceof IntegrityError
    ? new IntegrityError(code, message, facts, error)
    : new PosecastError(code, message, facts, error);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Folders deeper than this and files beyond this many are not looked at by `--from FOLDER`. */
const MAX_DEPTH = 6;
const MAX_FILES = 10_000;

/** The role's file at `from`: that file, or in that folder the one with the checksum, else with the name. */
async function readFrom(from: string, entry: ModelEntry, role: string, file: ModelFile): Promise<Uint8Array> {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw new ConfigError('no-such-file', 'expected a file or folder', { from });
  if (!found.isDirectory()) {
    if (Object.keys(entry.files).length > 1) {
      throw new ConfigError('bad-from', `expected a folder, because ${entry.name} has several files`, {
        from,
      });
    }
    return await readLocal(from);
  }
  const candidates = (await listFiles(from, MAX_DEPTH)).filter((path) => /\.(onnx|tflite)$/i.test(path));
  const published = basename(file.source.split('#').at(-1) ?? '');
  const named = candidates.find((path) => [published, `${role}.${file.format}`].includes(basename(path)));
  if (file.sha256 !== null) {
    const ordered =
      named === undefined ? candidates : [named, ...candidates.filter((path) => path !== named)];
    for (const path of ordered) if ((await hashFile(path)) === file.sha256) return await readLocal(path);
  }
  if (named !== undefined) return await readLocal(named);
  throw new ConfigError('no-such-file', `expected ${published} in the folder, found no such file`, {
    from,
    sha256: file.sha256 ?? undefined,
  });
}

async function listFiles(folder: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isFile()) found.push(path);
    else if (item.isDirectory() && depth > 0) found.push(...(await listFiles(path, depth - 1)));
    if (found.length > MAX_FILES) break;
  }
  return found.sort();
}

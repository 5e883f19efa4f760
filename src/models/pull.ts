/** Brings models into the cache: fetch, check, convert, normalise, probe, publish. */
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, IntegrityError, PosecastError } from '../shared/errors.ts';
import { sha256Hex } from '../shared/sha256.ts';
import { combineDigests, intactModel, type ModelRecord, publishModel, type ResolvedModel } from './cache.ts';
import {
  acceptChanged,
  describeChanged,
  isReadableLocal,
  isUncheckedLocal,
  withLocalChecksums,
} from './localChecksums.ts';
import { readFrom } from './localFiles.ts';
import { NORMALIZER_VERSION } from './normalize.ts';
import { checkPin, replacePin, writePin } from './pins.ts';
import type { PreparedModel } from './prepare.ts';
import { findModel, loadRegistry } from './registry.ts';
import type { ModelEntry, ModelFile } from './registryEntry.ts';
import { type OnProgress, openSourceFetcher } from './sources.ts';
import { makeWorkFolder } from './workFolder.ts';

export interface PullOptions {
  readonly onProgress?: OnProgress;
  /** Fetches again what is cached. @default false */
  readonly force?: boolean;
  /** A file, or a folder to look in, instead of the registry's source; checksums are the registry's. */
  readonly from?: string;
  /** Hears of a model that failed, and the others go on. @default the first failure is thrown */
  readonly onFailure?: (entry: ModelEntry, error: unknown) => void;
}

/**
 * Pulls models; one that is cached, and intact, is returned as it is, and an archive that holds several is fetched once.
 * A failed pull leaves nothing behind.
 */
export async function pullModels(
  entries: readonly ModelEntry[],
  { onProgress = () => {}, force = false, from, onFailure }: PullOptions = {},
): Promise<ResolvedModel[]> {
  // All of them before the first is pulled: a request that is refused has written nothing.
  if (from !== undefined) {
    await refuseAmbiguous([...new Set(entries)], from);
    for (const entry of entries) await refuseReplaced(entry, from);
  }
  const lookUp = async (entry: ModelEntry) => {
    const { entry: asItIs, changed } = await withLocalChecksums(entry);
    if (changed.length > 0) onProgress(`${entry.name}: ${describeChanged(changed)}`);
    const model = await intactModel(asItIs, (problem) =>
      onProgress(`${entry.name}: damaged in the cache, taken anew: ${problem}`),
    );
    // The files of an earlier pull are back.
    if (model !== undefined) await acceptChanged(changed);
    if (model !== undefined && from !== undefined) {
      onProgress(`${entry.name}: in the cache; --from is not looked at without --force`);
    }
    return [entry, model] as const;
  };
  const found = force ? [] : await Promise.all([...new Set(entries)].map(lookUp));
  const cached = new Map<ModelEntry, ResolvedModel | undefined>(found);
  const missing = [...new Set(entries)].filter((entry) => cached.get(entry) === undefined);
  if (missing.length > 0) {
    const work = await makeWorkFolder(missing.map(({ name }) => name));
    try {
      const fetcher = openSourceFetcher(work, missing, onProgress);
      for (const [i, entry] of missing.entries()) {
        const read = (role: string, file: ModelFile): Promise<Uint8Array> =>
          from === undefined ? fetcher.fetch(entry, file) : readFrom(from, entry, role, file);
        try {
          cached.set(entry, await pullOne(entry, join(work, `model-${i}`), read, onProgress));
        } catch (error) {
          if (onFailure === undefined) throw error;
          onFailure(entry, error);
        }
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return entries.flatMap((entry) => cached.get(entry) ?? []);
}

/** One file would become several models where no checksum tells whose it is. */
async function refuseAmbiguous(entries: readonly ModelEntry[], from: string): Promise<void> {
  const isChecked = ({ files }: ModelEntry) => Object.values(files).every(({ sha256 }) => sha256 !== null);
  if (entries.length < 2 || entries.every(isChecked)) return;
  if ((await stat(from).catch(() => undefined))?.isFile() !== true) return;
  const found = entries.map(({ name }) => name).join(', ');
  throw new ConfigError('bad-from', `--from: expected one model with a file, or a folder, found ${found}`, {
    from,
  });
}

/** What is pulled would not be what is used: that is the file that the registry names. */
async function refuseReplaced({ files }: ModelEntry, from: string): Promise<void> {
  for (const file of Object.values(files)) {
    if (!(await isReadableLocal(file))) continue;
    const expected = `--from: expected a model whose file is not on this machine, found ${file.source}`;
    throw new ConfigError('bad-from', `${expected}; put the new file in its place`, { from });
  }
}

/**
 * Cached models by name, of whatever kind; what is missing is pulled, and said. For benches and tests: commands ask for
 * models of a kind (`pipelineModels.ts`).
 *
 * @throws ConfigError for a name nobody knows, and for a model that cannot be had.
 */
export async function ensureModels(
  names: readonly string[],
  onProgress?: OnProgress,
): Promise<ResolvedModel[]> {
  const registry = await loadRegistry();
  const entries = names.map((name) => findModel(registry, name));
  return await pullModels(entries, onProgress === undefined ? {} : { onProgress });
}

async function pullOne(
  entry: ModelEntry,
  folder: string,
  read: (role: string, file: ModelFile) => Promise<Uint8Array>,
  onProgress: OnProgress,
): Promise<ResolvedModel> {
  const { weights, trainingData } = entry.licence;
  onProgress(`${entry.name}: licence of the weights: ${weights}; training data: ${trainingData}`);
  // Loads ONNX Runtime: a machine that finds its models in the cache, such as a producer's, needs none.
  const { prepareModel } = await import('./prepare.ts');
  await mkdir(folder, { recursive: true });
  const files: ModelRecord['files'] = {};
  const pins: { file: ModelFile; sha256: string }[] = [];
  const asRead: ModelEntry['files'] = { ...entry.files };
  for (const [role, file] of Object.entries(entry.files)) {
    try {
      const source = await read(role, file);
      const sourceSha256 = sha256Hex(source);
      await checkSource(file, source, sourceSha256);
      const prepared = await prepareModel(source, file, entry.preprocess);
      await writeDurably(join(folder, `${role}.onnx`), prepared.bytes);
      if (file.sha256 === null) pins.push({ file, sha256: sourceSha256 });
      if (isUncheckedLocal(file)) asRead[role] = { ...file, sha256: sourceSha256 };
      files[role] = {
        source: file.source,
        sourceSha256,
        sha256: sha256Hex(prepared.bytes),
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
      throw cannotPull(error, entry, role);
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
  for (const { file, sha256 } of pins) {
    await (isUncheckedLocal(file) ? replacePin : writePin)(file.source, sha256);
  }
  return await publishModel({ ...entry, files: asRead }, folder, record);
}

/**
 * Throws IntegrityError unless the file is the one the registry, or the first download, names; one on this machine is
 * its user's.
 */
async function checkSource(file: ModelFile, source: Uint8Array, found: string): Promise<void> {
  if (isUncheckedLocal(file)) return;
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
  const compared = entry.files[role]?.format === 'tflite' ? 'plain conversion' : 'published graph';
  const flushed =
    flushedWeights > 0 ? `, ${flushedWeights.toLocaleString('en-US')} vanishing weights zeroed` : '';
  const batch = prepared.batch === 'free' ? 'any batch size' : 'runs only with the batch it declares';
  const apart =
    prepared.batch === 'free'
      ? Math.max(probe.singleDifference, probe.batchDifference)
      : probe.singleDifference;
  return `${what}: ${batch}${flushed}, largest difference to the ${compared} ${apart}`;
}

/** Without its model nothing can be done as asked, whatever keeps it away. */
function cannotPull(error: unknown, entry: ModelEntry, role: string): ConfigError {
  const facts = Object.keys(entry.files).length > 1 ? { file: role } : {};
  const code = error instanceof PosecastError ? error.code : 'pull-failed';
  return new ConfigError(code, `cannot pull ${entry.name}`, facts, error);
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

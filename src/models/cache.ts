/**
 * The model cache of this machine:
 *
 *     <cache>/models/<name>/<entry digest>/<role>.onnx   normalised graphs
 *     <cache>/models/<name>/<entry digest>/model.json    what they are and where they came from
 *     <cache>/pins/<digest of the source>.json           checksum of a download when it first came, of a local file when it was last pulled
 *     <cache>/tmp/…                                      pulls under way
 *
 * A model's folder appears with one rename, complete, and is never changed afterwards: only replaced as a whole, see
 * `publishModel`. Another registry entry or another normaliser has another folder, so processes of different versions
 * can share a cache.
 */
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { IntegrityError } from '../shared/errors.ts';
import { sha256Hex, sha256Schema } from '../shared/sha256.ts';
import { describePreprocess } from './describeEntry.ts';
import { NORMALIZER_VERSION } from './normalize.ts';
import type { ModelEntry, ModelKind } from './registryEntry.ts';
import type { GraphSignature } from './signature.ts';
import { hashFile } from './sources.ts';

const tensorInfo = z.strictObject({
  name: z.string(),
  shape: z.array(z.union([z.number(), z.string()])),
});

const modelRecordSchema = z.strictObject({
  recordVersion: z.literal(1),
  name: z.string(),
  normalizerVersion: z.int(),
  /** Over the normalised files. */
  sha256: sha256Schema,
  /** Over the published files. */
  sourceSha256: sha256Schema,
  files: z.record(
    z.string(),
    z.strictObject({
      source: z.string(),
      sourceSha256: sha256Schema,
      sha256: sha256Schema,
      bytes: z.int(),
      batch: z.enum(['free', 'fixed']),
      flushedWeights: z.int(),
      inputs: z.array(tensorInfo),
      outputs: z.array(tensorInfo),
      /** Largest difference to the published graph, and of a batch to singles (null: the batch is fixed). */
      singleDifference: z.number(),
      batchDifference: z.number().nullable(),
    }),
  ),
});

/** What `model.json` holds. */
export type ModelRecord = z.infer<typeof modelRecordSchema>;

/** A model in the cache, ready to be opened. */
export interface ResolvedModel {
  readonly name: string;
  readonly kind: ModelKind;
  readonly family: ModelEntry['family'];
  /** Absolute path of each role's normalised ONNX file. */
  readonly files: Readonly<Record<string, string>>;
  /** One digest over the normalised files. */
  readonly sha256: string;
  /** One digest over the files as published. */
  readonly sourceSha256: string;
  /**
   * What runs and caches of embeddings name the model by: `sha256`, behind which a recogniser of one's own has its
   * pre-processing. The same weights fed otherwise give other embeddings.
   */
  readonly digest: string;
  /** The same of `sourceSha256`: what model cards name it by. */
  readonly sourceDigest: string;
  /** `fixed` when a graph runs only with the batch it declares. */
  readonly batch: 'free' | 'fixed';
  /** Real names and shapes of each role's inputs and outputs. */
  readonly signatures: Readonly<Record<string, GraphSignature>>;
  readonly entry: ModelEntry;
}

/** $POSECAST_CACHE, else $XDG_CACHE_HOME/posecast, else ~/.cache/posecast. */
export function cacheRoot(): string {
  const { POSECAST_CACHE, XDG_CACHE_HOME } = process.env;
  if (POSECAST_CACHE) return resolve(POSECAST_CACHE);
  return join(XDG_CACHE_HOME ? resolve(XDG_CACHE_HOME) : join(homedir(), '.cache'), 'posecast');
}

/** Digest over everything that decides what the normalised files are. */
function entryDigest(entry: ModelEntry): string {
  const parts = Object.entries(entry.files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([role, file]) => [role, file.sha256 ?? file.source, file.format, file.inputs, file.outputs]);
  return sha256Hex(JSON.stringify([NORMALIZER_VERSION, entry.preprocess.layout, parts])).slice(0, 16);
}

function modelFolder(entry: ModelEntry): string {
  return join(cacheRoot(), 'models', entry.name, entryDigest(entry));
}

/** One digest over several files: SHA-256 of `role digest` lines in the order of the roles' names. */
export function combineDigests(digests: Readonly<Record<string, string>>): string {
  const lines = Object.entries(digests)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([role, digest]) => `${role} ${digest}\n`);
  return sha256Hex(lines.join(''));
}

async function readRecord(folder: string): Promise<ModelRecord | undefined> {
  try {
    return modelRecordSchema.parse(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * The cached model, or undefined when it is absent or plainly damaged. Cheap: sizes are compared with the record;
 * `verifyModel` reads everything.
 */
export async function resolveModel(entry: ModelEntry): Promise<ResolvedModel | undefined> {
  const folder = modelFolder(entry);
  const record = await readRecord(folder);
  if (record === undefined) return undefined;
  for (const role of Object.keys(entry.files)) {
    const found = await stat(modelPath(folder, role)).catch(() => undefined);
    if (found === undefined || found.size !== record.files[role]?.bytes) return undefined;
  }
  return describeModel(entry, record);
}

function modelPath(folder: string, role: string): string {
  return join(folder, `${role}.onnx`);
}

/**
 * The cached model, once every file has been hashed; undefined when it is absent, or damaged, which `onDamage` hears. A
 * run names models by their digests, so what it opens must be what they say.
 */
export async function intactModel(
  entry: ModelEntry,
  onDamage: (problem: string) => void,
): Promise<ResolvedModel | undefined> {
  const verified = await verifyModel(entry);
  if (verified.status === 'damaged') onDamage(verified.problem);
  return verified.status === 'ok' ? resolveModel(entry) : undefined;
}

/** What a record says about an entry's model in its folder. */
function describeModel(entry: ModelEntry, record: ModelRecord): ResolvedModel {
  const roles = Object.keys(entry.files);
  const folder = modelFolder(entry);
  const signature = (role: string): GraphSignature => ({
    inputs: record.files[role]?.inputs ?? [],
    outputs: record.files[role]?.outputs ?? [],
  });
  const fedAs = entry.ownPreprocess ? ` preprocess ${describePreprocess(entry.preprocess)}` : '';
  return {
    name: entry.name,
    kind: entry.kind,
    family: entry.family,
    files: Object.fromEntries(roles.map((role) => [role, modelPath(folder, role)])),
    sha256: record.sha256,
    sourceSha256: record.sourceSha256,
    digest: record.sha256 + fedAs,
    sourceDigest: record.sourceSha256 + fedAs,
    batch: Object.values(record.files).some((file) => file.batch === 'fixed') ? 'fixed' : 'free',
    signatures: Object.fromEntries(roles.map((role) => [role, signature(role)])),
    entry,
  };
}

export type Verification =
  | { readonly name: string; readonly status: 'ok'; readonly sha256: string }
  | { readonly name: string; readonly status: 'absent' }
  | { readonly name: string; readonly status: 'damaged'; readonly problem: string };

/** Re-reads and re-hashes a cached model. */
export async function verifyModel(entry: ModelEntry): Promise<Verification> {
  const { name } = entry;
  const folder = modelFolder(entry);
  if ((await stat(folder).catch(() => undefined)) === undefined) return { name, status: 'absent' };
  const damaged = (problem: string): Verification => ({ name, status: 'damaged', problem });
  const record = await readRecord(folder);
  if (record === undefined) return damaged('model.json is missing or not valid');
  const digests: Record<string, string> = {};
  for (const role of Object.keys(entry.files)) {
    const expected = record.files[role]?.sha256;
    if (expected === undefined) return damaged(`model.json does not know ${role}.onnx`);
    const found = await hashFile(modelPath(folder, role)).catch(() => undefined);
    if (found === undefined) return damaged(`${role}.onnx is missing`);
    if (found !== expected) return damaged(`${role}.onnx: expected sha256 ${expected}, found ${found}`);
    digests[role] = found;
  }
  if (combineDigests(digests) !== record.sha256) return damaged('model.json does not fit its files');
  return { name, status: 'ok', sha256: record.sha256 };
}

/**
 * Makes a finished folder the model's. When a sound one with the same digests is there already (another process was
 * faster, or the pull was forced) that one stays. A damaged one is replaced, and so is one of another file: where the
 * registry states no checksum, the folder is named by the source, and a file that the user accepted by deleting its pin
 * has the folder of the earlier one.
 */
export async function publishModel(
  entry: ModelEntry,
  finished: string,
  record: ModelRecord,
): Promise<ResolvedModel> {
  const target = modelFolder(entry);
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      await rename(finished, target);
      return describeModel(entry, record);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    if (await holdsSame(entry, record)) return describeModel(entry, record);
    const old = `${finished}-old-${attempt}`;
    // Another process may be replacing it too; whoever comes second finds nothing to move.
    await rename(target, old).catch(() => {});
    await rm(old, { recursive: true, force: true });
  }
  throw new IntegrityError('bad-cache', 'cannot put the model into the cache', { folder: target });
}

/** Whether the model's folder is sound and of the same files, before and after normalisation. */
async function holdsSame(entry: ModelEntry, { sha256, sourceSha256 }: ModelRecord): Promise<boolean> {
  const there = await readRecord(modelFolder(entry));
  if (there?.sha256 !== sha256 || there.sourceSha256 !== sourceSha256) return false;
  return (await verifyModel(entry)).status === 'ok';
}

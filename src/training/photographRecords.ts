/** What a card remembers of the people and photographs a model has seen, so that an evaluation can find them again. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { subjectDigest } from '../fra/training/splitSubjects.ts';
import { mapInOrder } from '../shared/async/mapInOrder.ts';
import { READ_AHEAD } from '../shared/corpus/photographs.ts';
import { cropHash, photographDigest } from '../shared/photographDigest.ts';
import { sha256Schema } from '../shared/sha256.ts';
import { openFacePipeline } from '../worker/facePipeline.ts';
import { listingKey } from './listingKey.ts';
import type { TrainHooks, TrainInputs } from './trainConfig.ts';

const digests = z.array(sha256Schema);
/** Sorted, hex. */
const recordsSchema = z.strictObject({
  /** Of everybody in the listing, with a usable face or without. */
  subjectDigests: digests,
  photographDigests: digests,
  cropHashes: digests,
});
export type PhotographRecords = z.infer<typeof recordsSchema>;
const cacheSchema = z.strictObject({ key: z.string(), records: recordsSchema });

/** Reads and crops every photograph once; kept in `cache` for the next time. */
export async function photographRecords(
  { faces, photographs, models: { models, resolved } }: Pick<TrainInputs, 'faces' | 'photographs' | 'models'>,
  cache: string,
  hooks: TrainHooks,
): Promise<PhotographRecords> {
  const corpus = listingKey(faces, photographs);
  const digests = resolved.map(({ name, sha256 }) => `${name} ${sha256}`);
  const key = createHash('sha256')
    .update(JSON.stringify({ ...corpus, digests }))
    .digest('hex');
  const kept = await readCache(cache);
  if (kept?.key === key) return kept.records;
  hooks.stage('photographs');
  const found = new Set<string>();
  const hashes = new Set<string>();
  const pipeline = await openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1 });
  try {
    let done = 0;
    const readings = mapInOrder(faces, READ_AHEAD, async (face) => {
      return { face, read: await photographs.read(face) };
    });
    for await (const { face, read } of readings) {
      hooks.signal.throwIfAborted();
      hooks.progress(++done, faces.length, 'remembering photographs');
      if (read.status !== 'ok') continue;
      found.add(photographDigest(read.bytes));
      const [outcome] = await pipeline.process([{ faceId: face.faceId, bytes: read.bytes }]);
      if (outcome?.status === 'ok') hashes.add(cropHash(outcome.face.crop));
    }
  } finally {
    await pipeline.close();
  }
  const records = {
    subjectDigests: [...new Set(faces.map(({ subjectId }) => subjectDigest(subjectId)))].sort(),
    photographDigests: [...found].sort(),
    cropHashes: [...hashes].sort(),
  };
  await writeFile(cache, JSON.stringify({ key, records }));
  return records;
}

/** What a training keeps of its corpus; undefined where it is not there, cut short, or of another version. */
export async function readRecords(cache: string): Promise<PhotographRecords | undefined> {
  return (await readCache(cache))?.records;
}

async function readCache(cache: string): Promise<z.infer<typeof cacheSchema> | undefined> {
  const text = await readFile(cache, 'utf8').catch(() => 'null');
  try {
    return cacheSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

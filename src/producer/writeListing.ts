/**
 * Streams a corpus into the store as listing and plan. Memory: one listing part as it is in its file, whatever the
 * corpus size.
 */
import { createHash } from 'node:crypto';
import type { RunConfig } from '../shared/config.ts';
import { ConfigError, PosecastError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { LabelColumn } from '../shared/labels/labelColumns.ts';
import { compareFaces } from '../shared/listing/listingOrder.ts';
import { createPlanTableWriter, listingColumns, SHARD_COLUMNS } from '../shared/listing/listingTable.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { partKey, planKey } from '../shared/run/runKeys.ts';
import { bodyBytes, bodySha256 } from '../shared/store/objectBody.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { isVariantFaceId } from '../shared/variantFaceId.ts';
import { LISTED_EVERY, type OnListed } from './readers/onListed.ts';
import { createShardPlanner, type PlannedShard } from './shardPlanner.ts';

/** Rows at which a listing part ends: 8 to 15 MB of Parquet, which is what lies in memory of it. */
const PART_ROWS = 500_000;

export interface WriteListingOptions {
  readonly runId: string;
  readonly shardFaces: number;
  readonly shardBytes: number;
  readonly shardSubjects: number;
  /** Of the values that the faces carry. Default: none. */
  readonly labelColumns?: readonly LabelColumn[];
  readonly partRows?: number;
  readonly signal?: AbortSignal;
  readonly onListed?: OnListed;
}

/** Variants of a shard: 40 MB of 512-d float32 embeddings, several times that while the table is encoded. */
const SHARD_VARIANTS = 20_000;

/** Where the shards of a run end. */
export function listingLimits(
  config: Pick<RunConfig, 'shardFaces' | 'shardBytes' | 'variants'>,
): Pick<WriteListingOptions, 'shardFaces' | 'shardBytes' | 'shardSubjects'> {
  const { shardFaces, shardBytes, variants } = config;
  const shardSubjects = Math.max(1, Math.floor(SHARD_VARIANTS / Math.max(1, variants)));
  return { shardFaces, shardBytes, shardSubjects };
}

export interface WrittenListing {
  readonly corpus: RunFile['corpus'];
  readonly listing: RunFile['listing'];
  readonly shards: number;
  /** Shards of one subject that is larger than the limits. */
  readonly oversizeShards: number;
  readonly largestSubject: { readonly subjectId: string; readonly faces: number };
}

/** Faces of a corpus, counted and digested as they pass. */
export interface CorpusDigest {
  add(face: FaceRecord): void;
  finish(): RunFile['corpus'];
}

/**
 * Writes parts and plan; nothing refers to them before `run.json` does. An empty corpus writes nothing and returns
 * undefined. `faces` must come in the order of `compareFaces`.
 */
export async function writeListing(
  faces: AsyncIterable<FaceRecord>,
  store: Pick<ObjectStore, 'put'>,
  options: WriteListingOptions,
): Promise<WrittenListing | undefined> {
  const { runId, signal, partRows = PART_ROWS, labelColumns = [] } = options;
  const columns = listingColumns(labelColumns);
  const planner = createShardPlanner({ ...options, partRows });
  const digest = createCorpusDigest(options.onListed);
  const plan = createPlanTableWriter(SHARD_COLUMNS);
  const parts: RunFile['listing'] = [];
  let oversizeShards = 0;
  let largestSubject = { subjectId: '', faces: 0 };
  let subject = { subjectId: '', faces: 0, bytes: 0 };
  const table = createPlanTableWriter(columns);

  const planned = async (shard: PlannedShard | undefined): Promise<void> => {
    if (shard === undefined) return;
    if (shard.oversize) oversizeShards++;
    await plan.append({
      index: shard.index,
      part: partKey(runId, shard.part),
      row_start: shard.rowStart,
      row_end: shard.rowEnd,
      subjects: shard.subjects,
      faces: shard.faces,
      bytes: shard.bytes,
      first_class_index: shard.firstClassIndex,
    });
  };
  const endSubject = async (): Promise<void> => {
    if (subject.faces === 0) return;
    await planned(planner.add(subject));
    if (subject.faces > largestSubject.faces) largestSubject = subject;
  };
  const endPart = async (): Promise<void> => {
    const key = partKey(runId, parts.length);
    const rows = table.rows;
    const body = await table.finish();
    parts.push({ key, rows, bytes: bodyBytes(body), sha256: bodySha256(body) });
    await store.put(key, body, signal);
  };

  let seen = 0;
  for await (const face of faces) {
    if (face.subjectId !== subject.subjectId || subject.faces === 0) {
      await endSubject();
      subject = { subjectId: face.subjectId, faces: 0, bytes: 0 };
      if (planner.nextPart() > parts.length) await endPart();
    }
    if (isVariantFaceId(face.faceId)) {
      throw new ConfigError(
        'reserved-face-id',
        'corpus: expected face ids that do not end in #variant-<number>, as generated embeddings have it',
        { face: face.faceId, subject: face.subjectId },
      );
    }
    digest.add(face);
    const full = table.append({
      face_id: face.faceId,
      subject_id: face.subjectId,
      uri: face.uri,
      bytes: face.bytes,
      offset: face.offset ?? null,
      row: face.row ?? null,
      ...Object.fromEntries(labelColumns.map(({ name }, i) => [name, face.labels?.[i] ?? null])),
    });
    if (full !== undefined) await full;
    subject.faces++;
    subject.bytes += face.bytes;
    if (++seen % 5_000 === 0) signal?.throwIfAborted();
  }
  if (seen === 0) return undefined;
  await endSubject();
  await planned(planner.finish());
  await endPart();
  const shards = plan.rows;
  await store.put(planKey(runId), await plan.finish(), signal);
  return { corpus: digest.finish(), listing: parts, shards, oversizeShards, largestSubject };
}

/** Counts and digests a corpus without writing anything: what a resume compares. */
export async function digestCorpus(
  faces: AsyncIterable<FaceRecord>,
  onListed?: OnListed,
): Promise<RunFile['corpus']> {
  const digest = createCorpusDigest(onListed);
  for await (const face of faces) digest.add(face);
  return digest.finish();
}

/** A digest over one JSON line a face. Refuses faces out of order: they would split a subject. */
export function createCorpusDigest(onListed?: OnListed): CorpusDigest {
  const hash = createHash('sha256');
  let pending = '';
  let last: FaceRecord | undefined;
  const corpus = { faces: 0, subjects: 0, bytes: 0 };
  return {
    add(face) {
      if (last !== undefined && compareFaces(last, face) >= 0) {
        throw new PosecastError(
          'unsorted-corpus',
          'corpus reader: expected faces sorted by subject and face id',
          {
            subject: face.subjectId,
            face: face.faceId,
            after: `${last.subjectId} ${last.faceId}`,
          },
        );
      }
      if (last?.subjectId !== face.subjectId) corpus.subjects++;
      corpus.faces++;
      corpus.bytes += face.bytes;
      last = face;
      const { faces, subjects } = corpus;
      if (faces % LISTED_EVERY === 0) onListed?.({ faces, subjects });
      pending += `${jsonLine(face)}\n`;
      if (pending.length > 32_768) {
        hash.update(pending);
        pending = '';
      }
    },
    finish() {
      hash.update(pending);
      return { ...corpus, sha256: hash.digest('hex') };
    },
  };
}

/** Whatever JSON escapes, and some that it does not: its own marks, control characters, halves of surrogate pairs. */
const ESCAPED = /["\\\p{Cc}\p{Cs}]/u;

/**
 * `JSON.stringify` of subject, face, path, bytes and, where there are any, place and labels: without them the line is
 * that of earlier versions, whose runs are taken up. Nearly all names need no escape, and then it is three times as
 * fast.
 */
export function jsonLine({ subjectId, faceId, uri, bytes, offset, row, labels }: FaceRecord): string {
  const plain = row === undefined && labels === undefined;
  if (plain && !ESCAPED.test(subjectId) && !ESCAPED.test(faceId) && !ESCAPED.test(uri)) {
    return `["${subjectId}","${faceId}","${uri}",${bytes}${offset === undefined ? '' : `,${offset}`}]`;
  }
  const place =
    offset === undefined && row === undefined ? [] : [offset ?? null, ...(row === undefined ? [] : [row])];
  return JSON.stringify([subjectId, faceId, uri, bytes, ...place, ...(labels === undefined ? [] : [labels])]);
}

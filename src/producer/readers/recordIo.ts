/**
 * A corpus as a RecordIO archive of MXNet and InsightFace (`train.rec`, with `train.idx` or without): one image record
 * a face, its first label the person. The bytes that a face names are its record's; the worker takes the image out.
 *
 * An archive whose record 0 has two labels and no image is one of InsightFace: the labels are the first key of the
 * identity records and the key after the last; those records hold ranges of keys and no image, images come before
 * them.
 */

import type { CorpusSource } from '../../shared/corpus/corpusSource.ts';
import { subjectOf } from '../../shared/corpus/imageRecord.ts';
import type { RecordProblem } from '../../shared/corpus/recordIo.ts';
import { isBroken } from '../../shared/corpus/recordIo.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { LabelColumn, LabelValue } from '../../shared/labels/labelColumns.ts';
import { type ArchiveFile, archiveFiles } from './archiveFile.ts';
import type { CorpusReader } from './corpusReader.ts';
import { openExternalSorter } from './externalSort.ts';
import { inListingOrder } from './faceSorter.ts';
import { createIgnoredEntries, type IgnoredEntries } from './ignored.ts';
import type { OnListed } from './onListed.ts';
import { readRecordIndex } from './recordIndex.ts';
import { joinRecordList, type KeyedRecord } from './recordList.ts';
import { type RecordWalk, type WalkedRecord, walkRecords } from './recordWalk.ts';

/** Float32, in which the archive's header counts, holds every integer up to here. */
const EXACT_FLOAT32 = 2 ** 24;

/** The files of an archive, opened. */
export interface RecordIoArchive {
  readonly rec: ArchiveFile;
  /** Lines `key<tab>offset`; absent: records are read one after the other, and their numbers from 0 are their keys. */
  readonly idx?: ArchiveFile | undefined;
  /** The list that the archive was made from; read for the label column `path` only. */
  readonly lst?: ArchiveFile | undefined;
}

export interface RecordIoOptions {
  readonly labelColumns: readonly LabelColumn[];
  /** Pass over records that are broken instead of refusing the archive. */
  readonly readBroken: boolean;
}

export type RecordIoCorpus = RecordIoArchive & RecordIoOptions;

/**
 * `<name>.rec` with the index and, where its names are asked for, the list beside it. `source` is the folder they lie
 * in; it is closed when the faces end.
 * @throws ConfigError from `faces`: there is no such file, or the archive is broken, with file and offset.
 */
export function openRecordIoCorpus(
  source: CorpusSource,
  uri: string,
  options: RecordIoOptions,
): CorpusReader {
  const ignored = createIgnoredEntries();
  return {
    ignored,
    async *faces(signal, onListed) {
      const files = archiveFiles(source, signal);
      try {
        const beside = (extension: string) => uri.replace(/\.rec$/i, '') + extension;
        const withPaths = options.labelColumns.some(({ name }) => name === 'path');
        const archive = {
          rec: await files.open(uri),
          idx: await files.find(beside('.idx')),
          lst: withPaths ? await files.open(beside('.lst')) : undefined,
        };
        yield* recordIoFaces({ ...archive, ...options }, ignored, signal, onListed);
      } finally {
        await files.close();
        await source.close();
      }
    },
  };
}

/** The faces of an archive, in the order of `compareFaces`. */
export function recordIoFaces(
  corpus: RecordIoCorpus,
  ignored: IgnoredEntries,
  signal?: AbortSignal,
  onListed?: OnListed,
): AsyncGenerator<FaceRecord> {
  return inListingOrder(facesOf(corpus, ignored), signal, onListed);
}

/** In the order of index or archive; at their end, a key that comes twice is refused. */
async function* facesOf(corpus: RecordIoCorpus, ignored: IgnoredEntries): AsyncGenerator<FaceRecord> {
  const keys = openExternalSorter<number>((a, b) => a - b);
  try {
    const images = imagesOf(corpus, ignored);
    const listed = corpus.lst === undefined ? images : joinRecordList(images, corpus.lst, ignored);
    for await (const record of listed) {
      const writing = keys.add(record.key);
      if (writing !== undefined) await writing;
      yield faceOf(corpus, record);
    }
    // Without an index the keys are counted here.
    if (corpus.idx !== undefined) await refuseRepeatedKeys(corpus.idx, keys.sorted());
  } finally {
    await keys.close();
  }
}

async function refuseRepeatedKeys(idx: ArchiveFile, keys: AsyncIterable<number>): Promise<void> {
  let last = -1;
  for await (const key of keys) {
    if (key === last) {
      throw new ConfigError(
        'bad-archive',
        `RecordIO index: expected every key once, found ${key} a second time`,
        {
          file: idx.name,
        },
      );
    }
    last = key;
  }
}

function faceOf({ rec, labelColumns }: RecordIoCorpus, record: KeyedRecord): FaceRecord {
  const face = {
    faceId: String(record.key),
    subjectId: subjectOf(record.labels),
    uri: rec.uri,
    offset: record.at,
    bytes: record.span,
  };
  if (labelColumns.length === 0) return face;
  return { ...face, labels: labelColumns.map(({ name }) => labelOf(record, name)) };
}

/** `path`: of the list; `label_1`: the second value of the record's label array, and so on. */
export const RECORD_LABEL = /^(?:path|label_([1-9]\d{0,3}))$/;

function labelOf({ labels, path }: KeyedRecord, name: string): LabelValue {
  const place = RECORD_LABEL.exec(name)?.[1];
  const value = place === undefined ? path : labels[Number(place)];
  return typeof value === 'number' && !Number.isFinite(value) ? null : (value ?? null);
}

/** The image records, in the order of index or archive. */
async function* imagesOf(corpus: RecordIoCorpus, ignored: IgnoredEntries): AsyncGenerator<KeyedRecord> {
  const walk = walkRecords(corpus.rec.forward());
  const first = corpus.rec.bytes === 0 ? undefined : await walk.record(0);
  const identities = first === undefined || isBroken(first) ? undefined : identityKeys(first);
  for await (const record of keyedRecords(corpus, walk, ignored)) {
    if (identities !== undefined) {
      const { from, slack } = identities;
      if (record.at === 0) continue;
      if (record.key >= from - slack && record.imageBytes === 0 && record.labels.length > 1) continue;
      if (record.key >= from + slack) {
        ignored.add("an image beyond those that the archive's header counts", String(record.key));
        continue;
      }
    }
    if (!Number.isFinite(record.labels[0])) {
      const problem = `expected a label that is a number, found ${record.labels[0]}`;
      refuse(corpus, ignored, record.key, { status: 'broken', problem, at: record.at });
    } else yield record;
  }
}

interface IdentityKeys {
  readonly from: number;
  /** How far `from` may be off: it is a float32. */
  readonly slack: number;
}

/** What record 0 says when it is the header record of an archive of InsightFace. */
function identityKeys({ labels, imageBytes }: WalkedRecord): IdentityKeys | undefined {
  const [from = 0, to = 0] = labels;
  if (imageBytes > 0 || labels.length < 2 || !Number.isInteger(from) || !(from >= 1 && to >= from)) {
    return undefined;
  }
  return { from, slack: from < EXACT_FLOAT32 ? 0 : 2 ** (Math.floor(Math.log2(from)) - 23) };
}

/** Every record with its key; broken ones are refused or, where that is asked for, passed over. */
async function* keyedRecords(
  corpus: RecordIoCorpus,
  walk: RecordWalk,
  ignored: IgnoredEntries,
): AsyncGenerator<KeyedRecord> {
  const { rec, idx } = corpus;
  if (idx === undefined) {
    for (let key = 0, at = 0; at < rec.bytes; key++) {
      const record = await walk.record(at);
      if (isBroken(record)) {
        refuse(corpus, ignored, key, record);
        // Where the next record begins is not known, and neither is its key.
        return;
      }
      yield { ...record, key };
      at += record.span;
    }
    return;
  }
  for await (const { key, offset } of readRecordIndex(idx)) {
    const record: WalkedRecord | RecordProblem =
      offset < rec.bytes
        ? await walk.record(offset)
        : { status: 'broken', problem: `index points beyond the ${rec.bytes} bytes of the file`, at: offset };
    if (isBroken(record)) refuse(corpus, ignored, key, record);
    else yield { ...record, key };
  }
}

function refuse(
  { rec, readBroken }: RecordIoCorpus,
  ignored: IgnoredEntries,
  key: number,
  { problem, at }: RecordProblem,
): void {
  if (readBroken) {
    ignored.add('broken record', `${rec.uri} record ${key} at byte ${at}: ${problem}`);
    return;
  }
  throw new ConfigError('bad-archive', `RecordIO archive: ${problem}`, {
    file: rec.name,
    record: key,
    offset: at,
  });
}

/** Lists what was added to a corpus into a store: the value of a generation, which is not written here. */
import type { RunConfig } from '../../shared/config.ts';
import { TABLE_ROLES } from '../../shared/corpus/tableColumns.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { createPlanTableWriter } from '../../shared/listing/listingTable.ts';
import { APPENDED_SUBJECT_COLUMNS } from '../../shared/run/appendedSubjects.ts';
import type { AppendGeneration } from '../../shared/run/generationFile.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { appendedSubjectsKey } from '../../shared/run/runKeys.ts';
import type { RunListing, RunShards } from '../../shared/run/runShards.ts';
import { bodyBytes, bodySha256 } from '../../shared/store/objectBody.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import { readerNotes } from '../readers/corpusReader.ts';
import type { OnListed } from '../readers/onListed.ts';
import { openCorpus } from '../readers/openCorpus.ts';
import { takesNewTables } from '../readers/tableFiles.ts';
import { createCorpusDigest, listingLimits, type WrittenListing, writeListing } from '../writeListing.ts';
import { compareCorpus, type EarlierFace } from './compareCorpus.ts';
import { createCorpusChanges } from './corpusChanges.ts';
import { earlierFaces } from './earlierFaces.ts';
import { type ChangedRows, createRowCounts } from './rowCounts.ts';

export interface ListAppendOptions {
  readonly planId: string;
  readonly createdAt: string;
  readonly signal?: AbortSignal;
  /** How a corpus in an object store is reached. */
  readonly corpusS3?: S3Options | undefined;
  readonly note?: (line: string) => void;
  /** Hears how much of the whole corpus is listed. */
  readonly onListed?: OnListed;
  /** Sees every photograph of the corpus. */
  readonly onFace?: (face: FaceRecord) => void;
  /** Hears of everybody with new photographs who was in the run before. */
  readonly onKnown?: (classIndex: number) => void;
}

export interface ListedAppend {
  /** Undefined: every photograph of the corpus is in an earlier listing. */
  readonly generation?: AppendGeneration;
  readonly written?: WrittenListing;
  readonly gone: number;
}

/** Named in a message at most. */
const NAMED = 5;

/**
 * @param into takes listing, plan and table of people.
 * @throws ConfigError when photographs were changed or relabelled, with the first of them named; what was written until
 * then is the caller's to remove.
 */
export async function listAppend(
  run: RunFile,
  shards: RunShards,
  config: RunConfig,
  store: ObjectStore,
  into: Pick<ObjectStore, 'put'>,
  options: ListAppendOptions,
): Promise<ListedAppend> {
  const { planId, signal, note = () => {} } = options;
  const corpus = await openCorpus(config, { s3: options.corpusS3 });
  const whole = createCorpusDigest(options.onListed);
  const table = createPlanTableWriter(APPENDED_SUBJECT_COLUMNS);
  const changes = createCorpusChanges(config.labelColumns);
  const tableRows = createRowCounts();
  let newSubjects = 0;

  async function* counted(): AsyncGenerator<FaceRecord> {
    for await (const face of corpus.faces(signal, options.onListed)) {
      options.onFace?.(face);
      whole.add(face);
      tableRows.addNow(face);
      yield face;
    }
  }
  async function* before(listing: RunListing): AsyncGenerator<EarlierFace> {
    for await (const known of earlierFaces(store, listing, config.labelColumns, signal)) {
      tableRows.addBefore(known.face);
      yield known;
    }
  }
  async function* added(): AsyncGenerator<FaceRecord> {
    const earlier = shards.listings.map((listing) => before(listing));
    for await (const { subjectId, faces, earlier: known } of compareCorpus(counted(), earlier, changes)) {
      if (known !== undefined) options.onKnown?.(known.classIndex);
      await table.append({
        subject_id: subjectId,
        class_index: known?.classIndex ?? shards.subjects + newSubjects++,
        earlier: known?.places.join(',') ?? '',
      });
      for (const face of faces) {
        await changes.addNew(face);
        yield face;
      }
    }
  }
  try {
    const written = await writeListing(added(), into, {
      runId: planId,
      ...listingLimits(config),
      labelColumns: config.labelColumns,
      ...(signal && { signal }),
    });
    for (const line of readerNotes(corpus)) note(line);
    // First: what else they look like follows from it.
    await refuseChangedRows(tableRows.changed(), config);
    await changes.refuse();
    for (const line of changes.notes()) note(line);
    const { gone } = changes;
    if (written === undefined) return { gone };
    const key = appendedSubjectsKey(planId);
    const { rows } = table;
    const body = await table.finish();
    await into.put(key, body, signal);
    const generation: AppendGeneration = {
      schemaVersion: 1,
      runId: run.runId,
      generation: shards.generations.length + 1,
      createdAt: options.createdAt,
      kind: 'append',
      firstShard: shards.numbers,
      shards: written.shards,
      plan: planId,
      corpus: whole.finish(),
      added: { faces: written.corpus.faces, subjects: newSubjects, bytes: written.corpus.bytes },
      gone,
      listing: written.listing,
      subjects: { key, rows, bytes: bodyBytes(body), sha256: bodySha256(body) },
    };
    return { generation, written, gone };
  } finally {
    await changes.close();
  }
}

/** @throws ConfigError */
async function refuseChangedRows(
  changed: readonly ChangedRows[],
  { corpus, corpusFormat }: RunConfig,
): Promise<void> {
  if (changed.length === 0) return;
  // Tables alone have such faces.
  const takesNew = await takesNewTables(corpus, corpusFormat === 'arrow' ? 'arrow' : 'parquet');
  const named = changed.slice(0, NAMED).map(({ uri, before, now }) => `${uri} (${before} → ${now} rows)`);
  throw new ConfigError(
    'rows-changed',
    '--append: expected tables whose faces are called by file and row to have as many rows as they were listed with, found ' +
      `${changed.length} with others; ${takesNew ? 'put new rows into new files, or ' : ''}start a new run with ` +
      `${TABLE_ROLES.faceId.option}`,
    { changed: named.join(', ') },
  );
}

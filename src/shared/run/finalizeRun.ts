/**
 * The last step of a run: when every shard is committed, one manifest over all of them. Any process may do it, two at
 * once too: what is written is a function of run.json and the commits alone, `_SUCCESS` comes last, and doing it
 * again changes nothing. One that sleeps meanwhile, while a generation is added, does it again.
 */
import { createHash } from 'node:crypto';
import { IntegrityError } from '../errors.ts';
import { mapInOrder } from '../mapInOrder.ts';
import { bodyBytes, bodySha256, type ObjectBody } from '../store/objectBody.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import type { TableColumns } from '../table/columns.ts';
import { encodeParquet, ROW_GROUP_ROWS } from '../table/encodeTable.ts';
import { readTable } from '../table/readTable.ts';
import { tableMetadata } from '../table/tableMetadata.ts';
import {
  embeddingColumns,
  readSubjectRows,
  type SubjectRow,
  subjectRows,
  TABLE_SCHEMA_VERSION,
} from '../table/tables.ts';
import { isFinished, readCommittedSet, successBody } from './committedShards.ts';
import { listGenerations, type RunListing, type RunShards, readRunShards } from './generations.ts';
import { describeGenerations, MAX_REJECT_CODES, ManifestFileList, type RunManifest } from './manifest.ts';
import { resumeRun } from './pause.ts';
import type { RunFile } from './runFile.ts';
import {
  ATTEMPT_FOLDERS,
  commitKey,
  FAILURES_PREFIX,
  failureShard,
  MANIFEST_KEY,
  parseAttemptKey,
  SUBJECTS_KEY,
  SUCCESS_KEY,
} from './runKeys.ts';
import { addCounters, type Counters, noCounters, readShardCommit, type ShardCommit } from './shardCommit.ts';
import { SubjectTotals } from './subjectTotals.ts';

/** Commits and subject tables read ahead. */
const READ_AHEAD = 16;

export interface FinalizeOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (shardsRead: number) => void;
}

export type FinalizeResult =
  | { readonly status: 'finished'; readonly totals: RunManifest['totals'] }
  /** `missing`: shards without a commit. */
  | {
      readonly status: 'unfinished';
      readonly missing: number;
      /** Whether a shard counts and has no commit. */
      readonly isMissing: (shard: number) => boolean;
    };

/** Throws IntegrityError when the commits do not make up the run. */
export async function finalizeRun(
  store: ObjectStore,
  run: RunFile,
  options: FinalizeOptions = {},
): Promise<FinalizeResult> {
  const { signal } = options;
  const shards = await readRunShards(store, run, signal);
  const committed = await readCommittedSet(store, shards, signal);
  if (committed.size < shards.places) {
    const isMissing = (shard: number) => shards.placeOf(shard) !== undefined && !committed.has(shard);
    return { status: 'unfinished', missing: shards.places - committed.size, isMissing };
  }

  const summary = new RunSummary(run, shards);
  const identity = {
    runId: run.runId,
    recognizer: run.recognizer.name,
    recognizerDigest: run.recognizer.digest,
  };
  const subjects = await encodeParquet(
    mergeSubjects(store, shards, summary, options),
    tableMetadata({ kind: 'subjects', ...identity }),
  );
  const manifest = summary.toManifest(subjects);
  await store.put(SUBJECTS_KEY, subjects, signal);
  await store.put(MANIFEST_KEY, manifest, signal);
  for await (const { key } of store.list(FAILURES_PREFIX, signal)) {
    // Of shards that were committed in the end, or replaced; a generation that came since has its own.
    if ((failureShard(key) ?? Infinity) < shards.numbers) await store.delete(key, signal);
  }
  await removeOrphans(store, shards, summary.winners, signal);
  if ((await listGenerations(store, signal)).length === shards.generations.length) {
    // A pause that came too late for this must not hold the next append.
    await resumeRun(store, run.runId);
    await store.put(SUCCESS_KEY, successBody(shards.generations.length), signal);
    if (await isFinished(store)) return { status: 'finished', totals: summary.totals };
  } else {
    // It may be done already, and the manifest is now the one of before.
    await store.delete(SUCCESS_KEY, signal);
  }
  return finalizeRun(store, run, options);
}

/** Adds up commits, in the order of the listing. */
class RunSummary {
  readonly totals = { subjects: 0, ...noCounters(), rows: 0, bytes: 0 };
  /** The attempt that won, by shard. */
  readonly winners = new Map<number, string>();
  private readonly run: RunFile;
  private readonly shards: RunShards;
  private readonly files = new ManifestFileList();
  private readonly rejectsByCode = new Map<string, number>();
  /** By generation of the listing. */
  private readonly counters = new Map<number, Counters>();
  private listing: RunListing | undefined;
  /** People of the listing so far. */
  private position = 0;
  private finishedAt = '';

  constructor(run: RunFile, shards: RunShards) {
    this.run = run;
    this.shards = shards;
  }

  add(commit: ShardCommit, listing: RunListing): void {
    if (listing !== this.listing) [this.listing, this.position] = [listing, 0];
    const { spec, counters, data, rejects } = commit;
    const key = commitKey(spec.index);
    if (spec.runId !== this.run.runId) {
      const facts = { key, expected: this.run.runId, found: spec.runId };
      throw new IntegrityError('other-run', 'commit belongs to another run', facts);
    }
    if (spec.firstClassIndex !== this.position) {
      const facts = { key, expected: this.position, found: spec.firstClassIndex };
      throw new IntegrityError('class-index-gap', 'commit does not follow the one before it', facts);
    }
    this.winners.set(spec.index, commit.attemptId);
    this.position += spec.subjects;
    addCounters(this.totals, counters);
    const ofListing = this.counters.get(listing.generation) ?? noCounters();
    addCounters(ofListing, counters);
    this.counters.set(listing.generation, ofListing);
    this.totals.rows += data?.rows ?? 0;
    this.totals.bytes += data?.bytes ?? 0;
    if (data !== null) this.files.add({ kind: 'data', shard: spec.index, ...data });
    if (rejects !== null) this.files.add({ kind: 'rejects', shard: spec.index, ...rejects });
    for (const [code, faces] of Object.entries(commit.rejectsByCode)) {
      const known = this.rejectsByCode.has(code) || this.rejectsByCode.size < MAX_REJECT_CODES;
      const counted = known ? code : 'other';
      this.rejectsByCode.set(counted, (this.rejectsByCode.get(counted) ?? 0) + faces);
    }
    if (commit.finishedAt > this.finishedAt) this.finishedAt = commit.finishedAt;
  }

  /** A row of the merged table of people. */
  addSubject({ subjectId, classIndex }: SubjectRow): void {
    // As planned, the positions in the listing say it already.
    if (this.shards.listings.length > 1 && classIndex !== this.totals.subjects) {
      const facts = { subject: subjectId, expected: this.totals.subjects, found: classIndex };
      throw new IntegrityError('class-index-gap', 'person does not follow the one before', facts);
    }
    this.totals.subjects++;
  }

  /** Checks the sums against what was planned. */
  toManifest(subjects: ObjectBody): Uint8Array {
    const { run, shards, totals } = this;
    const { config } = run;
    if (totals.faces !== shards.faces || totals.subjects !== shards.subjects) {
      throw new IntegrityError('incomplete', 'commits do not cover the listing', {
        faces: `${totals.faces}/${shards.faces}`,
        subjects: `${totals.subjects}/${shards.subjects}`,
      });
    }
    const shape = { ...config, dim: run.embeddingDim };
    return this.files.toManifest({
      schemaVersion: 1,
      runId: run.runId,
      posecastVersion: run.posecastVersion,
      finishedAt: this.finishedAt,
      corpus: shards.corpus,
      recognizer: run.recognizer,
      fra: run.fra,
      table: {
        schemaVersion: TABLE_SCHEMA_VERSION,
        format: config.format,
        columns: embeddingColumns(shape).map(({ name }) => name),
        embeddingDim: run.embeddingDim,
        embeddingType: config.embeddingType,
      },
      shards: shards.places,
      generations: describeGenerations(shards, this.counters),
      totals,
      rejectsByCode: Object.fromEntries([...this.rejectsByCode].sort(([a], [b]) => (a < b ? -1 : 1))),
      subjects: {
        key: SUBJECTS_KEY,
        rows: totals.subjects,
        bytes: bodyBytes(subjects),
        sha256: bodySha256(subjects),
      },
    });
  }
}

/** One row a person, in class_index order; every commit goes to the summary on the way. */
async function* mergeSubjects(
  store: ObjectStore,
  shards: RunShards,
  summary: RunSummary,
  { signal, onProgress }: FinalizeOptions,
): AsyncIterable<TableColumns> {
  const totals = await readAppendedTotals(store, shards, signal);
  let rows = subjectRows();
  const places = Array.from({ length: shards.places }, (_, place) => place);
  for await (const { commit, subjects, listing } of readShards(store, shards, places, signal)) {
    summary.add(commit, listing);
    for (const row of subjects) {
      // Somebody with earlier photographs is there already.
      if (row.classIndex < listing.firstClassIndex) continue;
      const merged = totals?.merge(row, isAfterPlan(shards, commit.spec.index)) ?? row;
      summary.addSubject(merged);
      rows.add(merged);
    }
    onProgress?.(summary.winners.size);
    if (rows.length >= ROW_GROUP_ROWS) {
      yield rows.finish();
      rows = subjectRows();
    }
  }
  if (rows.length > 0) yield rows.finish();
}

/** Whether a shard is an append's, or was done again. */
export function isAfterPlan({ listings }: RunShards, shard: number): boolean {
  return shard >= (listings[0]?.shards ?? 0);
}

/** What shards that came after the plan have of people, in a run with appends; undefined for one without. */
export async function readAppendedTotals(
  store: ObjectStore,
  shards: RunShards,
  signal: AbortSignal | undefined,
): Promise<SubjectTotals | undefined> {
  if (shards.listings.length === 1) return undefined;
  const totals = new SubjectTotals(shards.subjects);
  const places = Array.from({ length: shards.places }, (_, place) => place)
    .filter((place) => isAfterPlan(shards, shards.shardAt(place)))
    .sort((a, b) => shards.shardAt(a) - shards.shardAt(b));
  for await (const { subjects } of readShards(store, shards, places, signal)) {
    for (const row of subjects) totals.add(row);
  }
  return totals;
}

interface CommittedShard {
  readonly commit: ShardCommit;
  readonly subjects: readonly SubjectRow[];
  readonly listing: RunListing;
}

/** The shards at some places, with their tables of people. */
async function* readShards(
  store: ObjectStore,
  shards: RunShards,
  places: readonly number[],
  signal: AbortSignal | undefined,
): AsyncIterable<CommittedShard> {
  const read = async (place: number) => ({ place, ...(await readShard(store, shards.shardAt(place))) });
  for await (const { place, commit, bytes } of mapInOrder(places, READ_AHEAD, read)) {
    signal?.throwIfAborted();
    const { key, rows } = commit.subjects;
    const subjects: SubjectRow[] = [];
    for (const batch of readTable(bytes, { key }).batches) subjects.push(...readSubjectRows(batch));
    if (subjects.length !== rows) {
      const facts = { key, expected: rows, found: subjects.length };
      throw new IntegrityError(
        'row-count',
        'subject table has another number of rows than its commit',
        facts,
      );
    }
    yield { commit, subjects, listing: shards.listingAt(place) };
  }
}

async function readShard(
  store: ObjectStore,
  index: number,
): Promise<{ commit: ShardCommit; bytes: Uint8Array }> {
  const commit = await readShardCommit(store, index);
  if (commit === undefined)
    throw new IntegrityError('no-commit', 'commit disappeared', { key: commitKey(index) });
  const { key, sha256 } = commit.subjects;
  const bytes = await store.get(key);
  if (bytes === undefined) throw new IntegrityError('no-file', 'file of a commit is missing', { key });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new IntegrityError('checksum', 'file is not the one that was committed', { key });
  }
  return { commit, bytes };
}

/** Removes the files of attempts that lost or died, and of replaced shards. Leaves what posecast did not name. */
async function removeOrphans(
  store: ObjectStore,
  shards: RunShards,
  winners: ReadonlyMap<number, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const folder of ATTEMPT_FOLDERS) {
    for await (const { key } of store.list(`${folder}/`, signal)) {
      const attempt = parseAttemptKey(key);
      if (attempt === undefined || attempt.shardIndex >= shards.numbers) continue;
      if (winners.get(attempt.shardIndex) !== attempt.attemptId) await store.delete(key, signal);
    }
  }
}

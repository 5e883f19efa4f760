/** Adds up the commits of a run, in the order of their places: what the manifest says of them. */
import { IntegrityError } from '../errors.ts';
import { embeddingColumns, type SubjectRow, TABLE_SCHEMA_VERSION } from '../table/tables.ts';
import { describeGenerations, MAX_REJECT_CODES, type RunManifest } from './manifest.ts';
import type { RunFile } from './runFile.ts';
import { SUBJECTS_KEY } from './runKeys.ts';
import type { RunListing, RunShards } from './runShards.ts';
import {
  addCounters,
  type Counters,
  type FileEntry,
  noCounters,
  requireCommitOf,
  type ShardCommit,
} from './shardCommit.ts';

export class CommitSums {
  readonly totals = { subjects: 0, ...noCounters(), rows: 0, bytes: 0 };
  /** The attempt that won, by shard. */
  readonly winners = new Map<number, string>();
  private readonly run: RunFile;
  private readonly shards: RunShards;
  private readonly rejectsByCode = new Map<string, number>();
  /** By generation of the listing. */
  private readonly counters = new Map<number, Counters>();
  private finishedAt = '';

  constructor(run: RunFile, shards: RunShards) {
    this.run = run;
    this.shards = shards;
  }

  add(commit: ShardCommit, listing: RunListing): void {
    const { spec, counters, data } = commit;
    requireCommitOf(this.run.runId, commit);
    this.winners.set(spec.index, commit.attemptId);
    addCounters(this.totals, counters);
    const ofListing = this.counters.get(listing.generation) ?? noCounters();
    addCounters(ofListing, counters);
    this.counters.set(listing.generation, ofListing);
    this.totals.rows += data?.rows ?? 0;
    this.totals.bytes += data?.bytes ?? 0;
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

  /** Throws IntegrityError unless commits and rows cover what was planned. */
  requireWhole(): void {
    const { shards, totals } = this;
    if (totals.faces === shards.faces && totals.subjects === shards.subjects) return;
    throw new IntegrityError('incomplete', 'commits do not cover the listing', {
      faces: `${totals.faces}/${shards.faces}`,
      subjects: `${totals.subjects}/${shards.subjects}`,
    });
  }

  /**
   * The manifest of a run that is whole, without its files: they are many.
   * @param table the merged table of people, as it is stored.
   */
  describe(table: Pick<FileEntry, 'bytes' | 'sha256'>): Omit<RunManifest, 'files'> {
    const { run, shards } = this;
    const { config } = run;
    const totals = { ...this.totals, subjects: shards.subjects };
    return {
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
        columns: embeddingColumns({ ...config, dim: run.embeddingDim }).map(({ name }) => name),
        embeddingDim: run.embeddingDim,
        embeddingType: config.embeddingType,
      },
      shards: shards.places,
      generations: describeGenerations(shards, this.counters),
      totals,
      rejectsByCode: Object.fromEntries([...this.rejectsByCode].sort(([a], [b]) => (a < b ? -1 : 1))),
      subjects: { key: SUBJECTS_KEY, rows: totals.subjects, bytes: table.bytes, sha256: table.sha256 },
    };
  }
}

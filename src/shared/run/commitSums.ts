/** Adds up the commits of a run, in the order of their places, and checks the sums against the plan: the manifest. */
import { IntegrityError } from '../errors.ts';
import { bodyBytes, bodySha256, type ObjectBody } from '../store/objectBody.ts';
import { embeddingColumns, type SubjectRow, TABLE_SCHEMA_VERSION } from '../table/tables.ts';
import type { RunListing, RunShards } from './generations.ts';
import { describeGenerations, MAX_REJECT_CODES, ManifestFileList } from './manifest.ts';
import type { RunFile } from './runFile.ts';
import { commitKey, SUBJECTS_KEY } from './runKeys.ts';
import { addCounters, type Counters, noCounters, requireCommitOf, type ShardCommit } from './shardCommit.ts';

export class CommitSums {
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
    requireCommitOf(this.run.runId, commit);
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

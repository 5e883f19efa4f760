/** Whether a shard's rows account for exactly the listing rows of the shard. */
import type { FaceRecord } from '../shared/face.ts';
import type { LabelValue } from '../shared/labels/labelColumns.ts';
import type { SubjectRow } from '../shared/table/tables.ts';

export type Report = (code: string, problem: string) => void;

interface SubjectCounts {
  faces: number;
  rejects: number;
  variants: number;
}

export interface OutputRow {
  readonly faceId: string;
  readonly subjectId: string;
  readonly kind: string;
  readonly variant: number | null;
  readonly sourceFaceId: string | null;
  /** In the order of the run's label columns. */
  readonly labels: readonly LabelValue[];
}

export class ShardFaces {
  private readonly report: Report;
  /** Subject of each listed face. */
  private readonly listed: Map<string, string>;
  /** Labels of each listed face, as text; empty for a run without label columns. */
  private readonly labels = new Map<string, string>();
  private readonly seen = new Set<string>();
  private readonly real = new Set<string>();
  private readonly augmented: OutputRow[] = [];
  private readonly subjects = new Map<string, SubjectCounts>();

  constructor(rows: readonly FaceRecord[], report: Report) {
    this.report = report;
    this.listed = new Map(rows.map((row) => [row.faceId, row.subjectId]));
    if (this.listed.size !== rows.length) report('listing-duplicate', 'listing names a face twice');
    for (const row of rows) {
      this.subjects.set(row.subjectId, { faces: 0, rejects: 0, variants: 0 });
      if (row.labels !== undefined) this.labels.set(row.faceId, JSON.stringify(row.labels));
    }
  }

  /** The shard's subjects in listing order. */
  get subjectIds(): string[] {
    return [...this.subjects.keys()];
  }

  addRow(row: OutputRow): void {
    if (row.kind === 'real') {
      if (row.variant !== null || row.sourceFaceId !== null) {
        this.report('bad-row', `real row has a variant or a source: ${row.faceId}`);
      }
      this.real.add(row.faceId);
      const labels = JSON.stringify(row.labels);
      const listed = this.labels.get(row.faceId) ?? labels;
      if (labels !== listed) {
        this.report('wrong-label', `${row.faceId} has the labels ${labels}, the listing says ${listed}`);
      }
      this.account(row.faceId, row.subjectId, 'faces');
    } else if (row.kind === 'augmented') {
      this.augmented.push(row);
      if (row.labels.some((label) => label !== null)) {
        this.report('wrong-label', `augmented row has labels of a photograph: ${row.faceId}`);
      }
    } else this.report('bad-row', `kind must be real or augmented, got ${row.kind}: ${row.faceId}`);
  }

  addReject(faceId: string, subjectId: string): void {
    this.account(faceId, subjectId, 'rejects');
  }

  /** Call after the last row: what is missing, and whether every variant has a real source of its own person. */
  finish(): void {
    for (const [faceId, subjectId] of this.listed) {
      if (!this.seen.has(faceId)) {
        this.report('missing-face', `face has neither a row nor a reject: ${faceId} of ${subjectId}`);
      }
    }
    for (const { faceId, subjectId, variant, sourceFaceId } of this.augmented) {
      const counts = this.subjects.get(subjectId);
      if (counts !== undefined) counts.variants++;
      if (variant === null || sourceFaceId === null) {
        this.report('bad-row', `augmented row has no variant number or no source: ${faceId}`);
      } else if (!this.real.has(sourceFaceId) || this.listed.get(sourceFaceId) !== subjectId) {
        this.report(
          'bad-source',
          `source is not a real row of the same person: ${faceId} from ${sourceFaceId}`,
        );
      }
    }
  }

  /** Compares a person's row in a subjects table with what was counted. */
  checkSubject(row: SubjectRow): void {
    const counts = this.subjects.get(row.subjectId);
    if (counts === undefined) {
      this.report('unknown-subject', `subjects table has a person the listing has not: ${row.subjectId}`);
      return;
    }
    for (const name of ['faces', 'rejects', 'variants'] as const) {
      if (row[name] !== counts[name]) {
        this.report(
          'subject-count',
          `${row.subjectId} has ${counts[name]} ${name}, subjects table says ${row[name]}`,
        );
      }
    }
    for (const coverage of [row.poseCoverageBefore, row.poseCoverageAfter]) {
      if (!(coverage >= 0 && coverage <= 1))
        this.report('bad-coverage', `${row.subjectId}: pose coverage ${coverage}`);
    }
  }

  private account(faceId: string, subjectId: string, as: 'faces' | 'rejects'): void {
    const expected = this.listed.get(faceId);
    if (expected === undefined)
      this.report('unknown-face', `row of a face the shard's listing has not: ${faceId}`);
    else if (expected !== subjectId) {
      this.report('wrong-subject', `${faceId} belongs to ${expected}, row says ${subjectId}`);
    } else if (this.seen.has(faceId)) this.report('face-twice', `face has two rows: ${faceId}`);
    this.seen.add(faceId);
    const counts = this.subjects.get(subjectId);
    if (counts !== undefined) counts[as]++;
  }
}

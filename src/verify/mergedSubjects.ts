/** subjects.parquet, compared row by row with the shards' own subject tables. */
import { createHash } from 'node:crypto';
import type { RunManifest } from '../shared/run/manifest.ts';
import { SUBJECTS_KEY } from '../shared/run/runKeys.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { readTable } from '../shared/table/readTable.ts';
import { readSubjectRows, type SubjectRow } from '../shared/table/tables.ts';
import type { ProblemLog } from './problems.ts';

export class MergedSubjects {
  private readonly rows: Iterator<SubjectRow>;
  private readonly problems: ProblemLog;
  private broken: boolean;
  private afterGap = false;
  private next: SubjectRow | undefined;

  private constructor(rows: Iterable<SubjectRow> | undefined, problems: ProblemLog) {
    this.rows = (rows ?? [])[Symbol.iterator]();
    this.problems = problems;
    this.broken = rows === undefined;
    this.advance();
  }

  static async open(
    store: ObjectStore,
    manifest: RunManifest | undefined,
    problems: ProblemLog,
  ): Promise<MergedSubjects> {
    if (manifest === undefined) return new MergedSubjects(undefined, problems);
    const bytes = await store.get(SUBJECTS_KEY);
    const sha256 = bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('hex');
    if (bytes === undefined || sha256 !== manifest.subjects.sha256) {
      const problem =
        bytes === undefined ? 'subjects table is missing' : 'subjects table is not the one in the manifest';
      problems.add(bytes === undefined ? 'missing-file' : 'checksum', SUBJECTS_KEY, problem);
      return new MergedSubjects(undefined, problems);
    }
    return new MergedSubjects(readRows(bytes), problems);
  }

  /** For a shard that could not be read: goes on at whoever is compared next. */
  interrupt(): void {
    this.afterGap = true;
  }

  compare(expected: readonly SubjectRow[]): void {
    const [first] = expected;
    if (this.afterGap && first !== undefined) {
      while (!this.broken && this.next !== undefined && this.next.classIndex < first.classIndex)
        this.advance();
      this.afterGap = false;
    }
    for (const row of expected) {
      if (this.broken) return;
      if (JSON.stringify(this.next) === JSON.stringify(row)) this.advance();
      else this.break(`expected ${JSON.stringify(row)}, found ${JSON.stringify(this.next) ?? 'nothing'}`);
    }
  }

  finish(): void {
    if (!this.broken && !this.afterGap && this.next !== undefined)
      this.break(`has a person too many: ${this.next.subjectId}`);
  }

  private advance(): void {
    const result = this.rows.next();
    this.next = result.done ? undefined : result.value;
  }

  /** One difference is reported; whatever follows it is shifted and says nothing. */
  private break(problem: string): void {
    this.broken = true;
    this.problems.add('subjects-differ', SUBJECTS_KEY, problem);
  }
}

function* readRows(bytes: Uint8Array): Iterable<SubjectRow> {
  for (const batch of readTable(bytes, { key: SUBJECTS_KEY }).batches) yield* readSubjectRows(batch);
}

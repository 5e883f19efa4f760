/** subjects.parquet, compared row by row with the shards' own subject tables. */
import type { RunManifest } from '../shared/run/manifest.ts';
import { MANIFEST_KEY, SUBJECTS_KEY } from '../shared/run/runKeys.ts';
import { sha256Hex } from '../shared/sha256.ts';
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
    const rows = await readMerged(store, manifest, problems).catch(problems.addDamaged(SUBJECTS_KEY));
    return new MergedSubjects(rows, problems);
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

/** Undefined: it is not there, or another one. */
async function readMerged(
  store: ObjectStore,
  manifest: RunManifest,
  problems: ProblemLog,
): Promise<Iterable<SubjectRow> | undefined> {
  const bytes = await store.get(SUBJECTS_KEY);
  if (bytes === undefined)
    return void problems.add('missing-file', SUBJECTS_KEY, 'subjects table is missing');
  const said = manifest.subjects;
  if (sha256Hex(bytes) !== said.sha256) {
    return void problems.add('checksum', SUBJECTS_KEY, 'subjects table is not the one in the manifest');
  }
  if (bytes.length !== said.bytes) {
    const problem = `subjects.bytes: expected ${bytes.length}, found ${said.bytes}`;
    problems.add('manifest', MANIFEST_KEY, problem);
  }
  return readRows(bytes);
}

function* readRows(bytes: Uint8Array): Iterable<SubjectRow> {
  for (const batch of readTable(bytes, { key: SUBJECTS_KEY }).batches) yield* readSubjectRows(batch);
}

/** Re-reads one committed shard: files, values, and whether its rows account for exactly its faces. */
import { isDeepStrictEqual } from 'node:util';
import type { RecordBatch } from 'apache-arrow';
import type { FaceRecord } from '../shared/face.ts';
import type { LabelColumn, LabelValue } from '../shared/labels/labelColumns.ts';
import type { AttemptFolder } from '../shared/run/runKeys.ts';
import { addByCode, type ShardCommit } from '../shared/run/shardCommit.ts';
import { columnOf } from '../shared/table/columnOf.ts';
import { readSubjectRows, type SubjectRow } from '../shared/table/tables.ts';
import { checkEmbeddings } from './checkEmbeddings.ts';
import { readCommittedFile } from './committedFile.ts';
import type { LoadedShard } from './loadShard.ts';
import type { ProblemLog } from './problems.ts';
import { type OutputRow, ShardFaces } from './shardFaces.ts';
import type { Verification } from './verification.ts';

/** What the listing says of a shard. */
export interface ExpectedShard {
  readonly faces: readonly FaceRecord[];
  /** Of the shard's people; undefined: they follow one another, as in the run as planned. */
  readonly classIndices: readonly number[] | undefined;
}

/**
 * Checks a shard against its listing rows; adds what is wrong to the problems and every face_id to the ids. Gives the
 * shard's subject rows, to be compared with the merged table; undefined when they cannot be read.
 */
export function verifyShard(
  verification: Verification,
  { commit, files }: LoadedShard,
  { faces: listing, classIndices }: ExpectedShard,
): SubjectRow[] | undefined {
  const { run, problems, ids } = verification;
  const key = commit.data?.key ?? commit.subjects.key;
  const faces = new ShardFaces(listing, (code, problem) => problems.add(code, key, problem));
  /** True for a file the shard does not have. */
  const read = (folder: AttemptFolder, visit: (batch: RecordBatch) => void): boolean => {
    const [entry, file] = [commit[folder], files[folder]];
    if (entry === null || file === undefined) return true;
    return readCommittedFile(verification, folder, entry, file, visit);
  };

  const found = { real: 0, augmented: 0 };
  const dataRead = read('data', (batch) => {
    checkEmbeddings(batch, run.config.embeddingType, (code, row, problem) => {
      problems.add(code, key, `${problem}: ${String(columnOf(batch, 'face_id')?.get(row))}`);
    });
    for (const row of outputRows(batch, run.config.labelColumns)) {
      faces.addRow(row);
      ids.add(row.faceId);
      if (row.kind === 'augmented') found.augmented++;
      else found.real++;
    }
  });
  const { ok, variants } = commit.counters;
  if (dataRead && (found.real !== ok || found.augmented !== variants)) {
    const said = `its commit says ${ok} and ${variants}`;
    problems.add(
      'counters',
      key,
      `file has ${found.real} real and ${found.augmented} augmented rows, ${said}`,
    );
  }

  const rejectsByCode: Record<string, number> = {};
  const rejectsRead = read('rejects', (batch) => {
    const columns = ['face_id', 'subject_id', 'stage', 'code'].map((name) => columnOf(batch, name));
    for (let i = 0; i < batch.numRows; i++) {
      const [faceId = '', subjectId = '', stage, code] = columns.map((column) => String(column?.get(i)));
      faces.addReject(faceId, subjectId);
      addByCode(rejectsByCode, { [`${stage}/${code}`]: 1 });
      ids.add(faceId);
    }
  });
  if (rejectsRead && !isDeepStrictEqual(rejectsByCode, commit.rejectsByCode)) {
    const [found, said] = [rejectsByCode, commit.rejectsByCode].map((counts) => JSON.stringify(counts));
    const where = commit.rejects?.key ?? key;
    problems.add('counters', where, `file has rejects by code ${found}, its commit says ${said}`);
  }

  const subjects: SubjectRow[] = [];
  const subjectsRead = read('subjects', (batch) => {
    subjects.push(...readSubjectRows(batch));
  });
  // With a file unread, who is missing and how many somebody has is unknown; the file is the problem.
  if (dataRead && rejectsRead) {
    faces.finish();
    for (const row of subjects) faces.checkSubject(row);
  }
  if (!subjectsRead) return undefined;
  const dropped = subjects.reduce((sum, { variantsRejected }) => sum + variantsRejected, 0);
  if (dropped !== commit.counters.variantsRejected) {
    const said = `its commit says ${commit.counters.variantsRejected}`;
    problems.add('counters', commit.subjects.key, `file has ${dropped} dropped variants, ${said}`);
  }
  checkOrder(commit, subjects, faces.subjectIds, classIndices, problems);
  return subjects;
}

/** The first person of the listing who is not in their place in the subjects table is a problem. */
function checkOrder(
  { spec, subjects }: ShardCommit,
  rows: readonly SubjectRow[],
  subjectIds: readonly string[],
  classIndices: readonly number[] | undefined,
  problems: ProblemLog,
): void {
  for (const [i, subjectId] of subjectIds.entries()) {
    const row = rows[i];
    const classIndex = classIndices === undefined ? spec.firstClassIndex + i : classIndices[i];
    if (row?.subjectId === subjectId && row.classIndex === classIndex) continue;
    const found = row === undefined ? 'nothing' : `${row.subjectId} with class_index ${row.classIndex}`;
    const problem = `expected ${subjectId} with class_index ${classIndex}, found ${found}`;
    problems.add('missing-subject', subjects.key, problem);
    return;
  }
}

function* outputRows(batch: RecordBatch, labelColumns: readonly LabelColumn[]): Iterable<OutputRow> {
  const columns = ['face_id', 'subject_id', 'kind', 'variant', 'source_face_id'].map((name) =>
    columnOf(batch, name),
  );
  const [faceIds, subjectIds, kinds, variants, sources] = columns;
  const labels = labelColumns.map(({ name }) => columnOf(batch, name));
  for (let i = 0; i < batch.numRows; i++) {
    yield {
      faceId: faceIds?.get(i) as string,
      subjectId: subjectIds?.get(i) as string,
      kind: kinds?.get(i) as string,
      variant: variants?.get(i) as number | null,
      sourceFaceId: sources?.get(i) as string | null,
      labels: labels.map((column) => labelOf(column?.get(i) as LabelCell)),
    };
  }
}

type LabelCell = string | number | bigint | null | undefined;

/** int64 comes as a bigint; labels are within what a number says exactly. */
function labelOf(value: LabelCell): LabelValue {
  return typeof value === 'bigint' ? Number(value) : (value ?? null);
}

/** Reads one file of a commit: it must be the committed one, of the right columns, and say whose it is. */
import type { RecordBatch } from 'apache-arrow';
import { describeError } from '../shared/errors.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { AttemptFolder } from '../shared/run/runKeys.ts';
import type { FileEntry } from '../shared/run/shardCommit.ts';
import { sha256Hex } from '../shared/sha256.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { describeColumns, describeFields } from '../shared/table/arrowTable.ts';
import type { ColumnSpec } from '../shared/table/columns.ts';
import { readTable } from '../shared/table/readTable.ts';
import { parseTableMetadata, tableMetadata } from '../shared/table/tableMetadata.ts';
import { embeddingColumns, REJECT_COLUMNS, SUBJECT_COLUMNS } from '../shared/table/tables.ts';
import { damageOf } from './problems.ts';
import type { Verification } from './verification.ts';

/** damaged: what is there is no file that could be read. */
export type LoadedFile =
  | { readonly status: 'read'; readonly bytes: Uint8Array }
  | { readonly status: 'missing' }
  | { readonly status: 'damaged'; readonly error: Error };

export async function loadFile(
  store: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<LoadedFile> {
  try {
    const bytes = await store.get(key, undefined, signal);
    return bytes === undefined ? { status: 'missing' } : { status: 'read', bytes };
  } catch (error) {
    return { status: 'damaged', error: damageOf(error) };
  }
}

/**
 * Hands the batches of a file to `visit`. False: the file could not be read to its end, which is among the problems
 * then, and what its rows were is unknown.
 */
export function readCommittedFile(
  { run, problems }: Verification,
  folder: AttemptFolder,
  entry: FileEntry,
  file: LoadedFile,
  visit: (batch: RecordBatch) => void,
): boolean {
  const { key } = entry;
  const fail = (code: string, problem: string): boolean => {
    problems.add(code, key, problem);
    return false;
  };
  if (file.status === 'missing') return fail('missing-file', 'file of a commit is missing');
  if (file.status === 'damaged') return fail('damaged', describeError(file.error));
  const { bytes } = file;
  if (bytes.length !== entry.bytes) {
    return fail('size', `file has ${bytes.length} bytes, its commit says ${entry.bytes}`);
  }
  if (sha256Hex(bytes) !== entry.sha256) {
    return fail('checksum', 'file has another SHA-256 than its commit says');
  }
  try {
    const table = readTable(bytes, { key });
    for (const problem of metadataProblems(run, folder, table.metadata, key)) {
      problems.add('metadata', key, problem);
    }
    const [found, expected] = [describeFields(table.fields), describeColumns(columnsOf(run, folder))];
    if (found !== expected) return fail('columns', `file has the columns ${found}, expected ${expected}`);
    let rows = 0;
    for (const batch of table.batches) {
      rows += batch.numRows;
      visit(batch);
    }
    if (rows !== entry.rows)
      problems.add('rows', key, `file has ${rows} rows, its commit says ${entry.rows}`);
    return true;
  } catch (error) {
    return fail('damaged', describeError(error));
  }
}

function columnsOf(run: RunFile, folder: AttemptFolder): readonly ColumnSpec[] {
  switch (folder) {
    case 'data':
      return embeddingColumns({ ...run.config, dim: run.embeddingDim });
    case 'rejects':
      return REJECT_COLUMNS;
    case 'subjects':
      return SUBJECT_COLUMNS;
  }
}

function metadataProblems(
  run: RunFile,
  folder: AttemptFolder,
  entries: ReadonlyMap<string, string>,
  key: string,
): string[] {
  const found = parseTableMetadata(entries, key);
  const expected = tableMetadata(
    {
      kind: folder === 'data' ? 'embeddings' : folder,
      runId: run.runId,
      recognizer: run.recognizer.name,
      recognizerDigest: run.recognizer.digest,
    },
    folder === 'data' ? run.config.labelColumns : [],
  );
  const names = new Set([...Object.keys(expected), ...Object.keys(found)] as (keyof typeof expected)[]);
  const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return [...names]
    .map((name) => ({ name, is: shown(found[name]), should: shown(expected[name]) }))
    .filter(({ is, should }) => is !== should)
    .map(({ name, is, should }) => `${name} is ${is}, expected ${should}`);
}

/**
 * A corpus as a CSV list: a header with `face_id,subject_id,path` in any order, one face a line, in any order of
 * lines. The list is checked line by line, then sorted on disk, so that memory does not grow with it.
 */
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CsvError, type Options, parse } from 'csv-parse';
import { isS3Uri, openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { type LabelColumn, parseLabel } from '../../shared/labels/labelColumns.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import type { CorpusReader } from './corpusReader.ts';
import { createCsvLines, type ParsedRecord } from './csvLines.ts';
import { type ExternalSorter, openExternalSorter } from './externalSort.ts';
import { openFaceSorter } from './faceSorter.ts';
import { createIgnoredEntries, type IgnoredEntries } from './ignored.ts';
import { insideImageRoot } from './imagePath.ts';
import type { OnListed } from './onListed.ts';

const COLUMNS = ['face_id', 'subject_id', 'path'] as const;
type Column = (typeof COLUMNS)[number];

/**
 * All that there are, the longest first: found out by itself would be the header's alone, and lists are put together.
 */
const LINE_ENDS = ['\r\n', '\n', '\r'];

/** Bytes of one line. More is a quote that was never closed. */
const MAX_LINE = 64 * 1024;

/**
 * Opens a CSV corpus; paths in it are relative to `imageRoot`, or absolute and inside it. Both absolute, each a path or
 * s3://bucket/key.
 */
export async function openCsvCorpus(
  file: string,
  imageRoot: string,
  s3?: S3Options | undefined,
  labelColumns: readonly LabelColumn[] = [],
): Promise<CorpusReader> {
  if (!isS3Uri(file)) await mustBe('corpus', 'file', file);
  if (!isS3Uri(imageRoot)) await mustBe('image root', 'folder', imageRoot);
  // Only whether it can be read; the workers read from it.
  else await (await openCorpusSource(imageRoot, { s3 })).close();
  const ignored = createIgnoredEntries();
  return {
    ignored,
    faces: (signal, onListed) =>
      sortedFaces({ file, imageRoot, s3, labelColumns, ignored, signal }, onListed),
  };
}

interface CsvRead {
  readonly file: string;
  readonly imageRoot: string;
  readonly s3: S3Options | undefined;
  readonly labelColumns: readonly LabelColumn[];
  readonly ignored: IgnoredEntries;
  readonly signal: AbortSignal | undefined;
}

/** A face's id and the line it was found in. */
type IdAndLine = readonly [faceId: string, line: number];

interface Sorters {
  readonly faces: ExternalSorter<FaceRecord>;
  readonly ids: ExternalSorter<IdAndLine>;
}

async function* sortedFaces(read: CsvRead, onListed: OnListed | undefined): AsyncGenerator<FaceRecord> {
  const sorters: Sorters = {
    faces: openFaceSorter(onListed),
    ids: openExternalSorter((a, b) => compareUtf8(a[0], b[0]) || a[1] - b[1]),
  };
  try {
    await sortLines(read, sorters);
    await refuseDuplicates(read, sorters.ids);
    await sorters.ids.close();
    for await (const face of sorters.faces.sorted()) {
      read.signal?.throwIfAborted();
      yield face;
    }
  } finally {
    await sorters.faces.close();
    await sorters.ids.close();
  }
}

/** Names the first line that repeats a face id. */
async function refuseDuplicates(read: CsvRead, ids: ExternalSorter<IdAndLine>): Promise<void> {
  let last: IdAndLine | undefined;
  let worst: { faceId: string; first: number; again: number } | undefined;
  for await (const id of ids.sorted()) {
    if (last?.[0] === id[0] && (worst === undefined || id[1] < worst.again)) {
      worst = { faceId: id[0], first: last[1], again: id[1] };
    }
    last = id;
  }
  read.signal?.throwIfAborted();
  if (worst === undefined) return;
  const { faceId, first, again } = worst;
  throw badCsv(
    read,
    `expected every face_id once, found ${JSON.stringify(faceId)} a second time, first in line ${first}`,
    again,
  );
}

interface NumberedRecord extends Pick<ParsedRecord, 'record'> {
  /** That it ends in. */
  readonly line: number;
}

async function sortLines(read: CsvRead, sorters: Sorters): Promise<void> {
  let at: ColumnPositions | undefined;
  // What stopped us first; the pipeline may report the abort that followed from it.
  let refusal: unknown;
  const lines = createCsvLines();
  // The types of the parser do not know what `info` makes of a record.
  const numbered = (parsed: ParsedRecord): NumberedRecord => ({
    record: parsed.record,
    line: lines.endOf(parsed),
  });
  const addRows = async (rows: AsyncIterable<NumberedRecord>) => {
    for await (const { record, line } of rows) {
      if (at === undefined) {
        at = columnPositions(read, record);
        continue;
      }
      const faceId = idOf(read, line, 'face_id', record[at.face_id]);
      const subjectId = idOf(read, line, 'subject_id', record[at.subject_id]);
      const uri = uriOf(read, line, record[at.path]);
      const writing = [
        sorters.faces.add({ faceId, subjectId, uri, bytes: 0, ...labelsOf(read, line, record, at) }),
        sorters.ids.add([faceId, line]),
      ];
      if (writing.some((write) => write !== undefined)) await Promise.all(writing);
    }
  };
  try {
    await pipeline(
      isS3Uri(read.file) ? s3Body(read) : createReadStream(read.file),
      parse({
        bom: true,
        info: true,
        skip_empty_lines: true,
        max_record_size: MAX_LINE,
        record_delimiter: LINE_ENDS,
        // Here and not where they arrive: an error of the parser overtakes those that are on their way.
        on_record: numbered as unknown as NonNullable<Options['on_record']>,
      }),
      (rows) =>
        addRows(rows).catch((error: unknown) => {
          refusal = error;
          throw error;
        }),
      { ...(read.signal && { signal: read.signal }) },
    );
  } catch (error) {
    const first = refusal ?? error;
    if (!(first instanceof CsvError)) throw first;
    const problem = CSV_PROBLEMS[first.code] ?? first.message.split('\n')[0] ?? first.code;
    throw badCsv(read, problem, lines.nextStart(Number(first.empty_lines)));
  }
  if (at === undefined) throw badCsv(read, 'expected a header line, found an empty file');
}

/** Bytes of a list that are asked for at a time. */
const PIECE_BYTES = 8 * 2 ** 20;

async function* s3Body({ file, s3, signal }: CsvRead): AsyncGenerator<Uint8Array> {
  const end = file.lastIndexOf('/');
  const source = await openCorpusSource(file.slice(0, end), { s3 });
  try {
    const either = signal ?? new AbortController().signal;
    const list = await source.open(file.slice(end + 1), either);
    for (let start = 0; start < list.bytes; start += PIECE_BYTES) {
      yield await list.read({ start, end: Math.min(list.bytes, start + PIECE_BYTES) }, either);
    }
  } finally {
    await source.close();
  }
}

const CSV_PROBLEMS: Partial<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'expected as many fields as the header has',
  CSV_MAX_RECORD_SIZE: `expected at most ${MAX_LINE} bytes in a line; is a quote not closed?`,
  CSV_QUOTE_NOT_CLOSED: 'expected a closing quote, found the end of the file',
};

interface ColumnPositions extends Record<Column, number> {
  /** Of each label column. */
  readonly labels: readonly number[];
}

/** Where the three columns and the labels stand; columns of other names are noted and not read. */
function columnPositions(read: CsvRead, names: readonly string[]): ColumnPositions {
  const position = (column: string): number => {
    const first = names.indexOf(column);
    const found = first < 0 ? 'no such column' : 'it twice';
    if (first < 0 || names.indexOf(column, first + 1) >= 0) {
      throw badCsv(
        read,
        `expected the column ${column} once in the header, found ${found} (${names.join(',')})`,
        1,
      );
    }
    return first;
  };
  const at = { face_id: position('face_id'), subject_id: position('subject_id'), path: position('path') };
  const labels = read.labelColumns.map(({ name }) => position(name));
  for (const name of names) {
    const isRead = [...COLUMNS, ...read.labelColumns.map((label) => label.name)].includes(name);
    if (!isRead) read.ignored.add('CSV column that is not read', name);
  }
  return { ...at, labels };
}

/** An empty field is no label. */
function labelsOf(
  read: CsvRead,
  line: number,
  record: readonly string[],
  { labels }: ColumnPositions,
): Pick<FaceRecord, 'labels'> {
  if (labels.length === 0) return {};
  const values = read.labelColumns.map(({ name, type }, i) => {
    const text = record[labels[i] as number] ?? '';
    const value = parseLabel(type, text);
    if (value !== undefined && !text.includes('\uFFFD')) return value;
    const expected = type === 'string' ? 'UTF-8' : type === 'integer' ? 'an integer' : 'a number';
    throw badCsv(read, `expected ${expected} in the column ${name}, found ${JSON.stringify(text)}`, line);
  });
  return { labels: values };
}

function idOf(read: CsvRead, line: number, column: Column, value: string | undefined): string {
  if (value === undefined || value.trim() === '')
    throw badCsv(read, `expected a ${column}, found nothing`, line);
  if (value.includes('\uFFFD'))
    throw badCsv(read, `expected ${column} in UTF-8, found ${JSON.stringify(value)}`, line);
  return value;
}

/** The path relative to the image root, '/'-separated. */
function uriOf(read: CsvRead, line: number, value: string | undefined): string {
  const path = idOf(read, line, 'path', value);
  const inside = insideImageRoot(read.imageRoot, path);
  if (inside !== undefined) return inside;
  throw badCsv(read, `expected a path inside ${read.imageRoot}, found ${JSON.stringify(path)}`, line);
}

function badCsv(read: CsvRead, problem: string, line?: unknown): ConfigError {
  const where = typeof line === 'number' ? { file: read.file, line } : { file: read.file };
  return new ConfigError('bad-csv', `CSV corpus: ${problem}`, where);
}

async function mustBe(what: string, kind: 'file' | 'folder', path: string): Promise<void> {
  try {
    const info = await stat(path);
    if (kind === 'file' ? info.isFile() : info.isDirectory()) return await access(path, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError('no-corpus', `${what}: expected a ${kind} that can be read`, { path, code });
  }
  throw new ConfigError('no-corpus', `${what}: expected a ${kind}, found something else`, { path });
}

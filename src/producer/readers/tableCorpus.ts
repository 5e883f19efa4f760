/**
 * A corpus as Parquet or Arrow tables, one row a face: whose it is, and the image itself or the path to it. Listing
 * reads the columns of names and labels, piece by piece (row group or record batch), and never the images.
 */
import { openSourceTable } from '../../shared/corpus/openSourceTable.ts';
import { idOfCell, idsOfRow } from '../../shared/corpus/rowIds.ts';
import type { SourceField, SourceRow, SourceTable, TablePiece } from '../../shared/corpus/sourceTable.ts';
import {
  type CorpusColumns,
  chooseTableColumns,
  TABLE_ROLES,
  type TableColumnRequest,
} from '../../shared/corpus/tableColumns.ts';
import type { TableFormat } from '../../shared/corpus/tableFormat.ts';
import { ConfigError, describeError, PosecastError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import {
  fitsLabel,
  type LabelColumn,
  type LabelType,
  type LabelValue,
} from '../../shared/labels/labelColumns.ts';
import { archiveFiles, fileAddress } from './archiveFile.ts';
import type { CorpusReader } from './corpusReader.ts';
import type { IgnoredEntries } from './ignored.ts';
import { insideImageRoot } from './imagePath.ts';
import { createReadEstimate, type ReadEstimate } from './scatteredRows.ts';
import { type FoundFace, sortFaces } from './sortFaces.ts';
import type { TableFiles } from './tableFiles.ts';

/** Larger columns of images in one row group are refused where their pages cannot be read one by one. */
const MAX_WHOLE_COLUMN = 2 ** 30;

/** Rows of a file are numbered after those of the files before it: `at` of a met face. */
const ROWS_OF_A_FILE = 2 ** 36;

export interface TableCorpus {
  readonly format: TableFormat;
  readonly tables: TableFiles;
  /** What paths are relative to. */
  readonly imageRoot: string;
  readonly columns: TableColumnRequest;
  readonly labelColumns: readonly LabelColumn[];
  /** Faces of a shard, for saying what the workers will read. */
  readonly shardFaces: number;
  /** Pass over tables and pieces that cannot be read instead of refusing the corpus. */
  readonly readBroken: boolean;
}

/** @throws ConfigError from `faces` where a table cannot be read or says something else than expected. */
export function openTableCorpus(corpus: TableCorpus): CorpusReader {
  const notes: string[] = [];
  const { source, uris, ignored } = corpus.tables;
  const placeOf = (at: number) => {
    const file = uris[Math.floor(at / ROWS_OF_A_FILE)] ?? '';
    return { file: fileAddress(source, file), row: at % ROWS_OF_A_FILE };
  };
  const refuse = (faceId: string, first: number, again: number) =>
    new ConfigError(
      'bad-table',
      `table: expected every face id once, found ${JSON.stringify(faceId)} a second time, ` +
        `first in row ${placeOf(first).row} of ${placeOf(first).file}`,
      placeOf(again),
    );
  return {
    ignored,
    notes,
    async *faces(signal, onListed) {
      const estimate = createReadEstimate(corpus.shardFaces);
      try {
        for await (const face of sortFaces(
          facesOf({ ...corpus, estimate }, ignored, signal),
          refuse,
          signal,
          onListed,
        )) {
          estimate.addFace(face);
          yield face;
        }
        const note = estimate.note();
        if (note !== undefined) notes.push(note);
      } finally {
        await source.close();
      }
    },
  };
}

interface ReadCorpus extends TableCorpus {
  readonly estimate: ReadEstimate;
}

/** A table with what is known of it. */
interface OpenTable {
  readonly uri: string;
  /** For messages. */
  readonly name: string;
  readonly table: SourceTable;
  readonly columns: CorpusColumns;
}

async function* facesOf(
  corpus: ReadCorpus,
  ignored: IgnoredEntries,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFace> {
  const { source, uris } = corpus.tables;
  let first: FirstTable | undefined;
  for (const [i, uri] of uris.entries()) {
    const files = archiveFiles(source, signal);
    try {
      const open = await orBroken(corpus, ignored, uri, {}, async () => {
        const table = await openSourceTable(corpus.format, await files.open(uri));
        return { uri, table, name: fileAddress(source, uri) };
      });
      if (open === undefined) continue;
      const columns = chooseTableColumns(open.table.fields, corpus.columns, open.name);
      first ??= { name: open.name, columns };
      refuseOtherIds(first, open.name, columns);
      checkLabels(corpus.labelColumns, open.table.fields, open.name);
      for await (const { face, at } of facesOfTable({ ...open, columns }, corpus, ignored)) {
        signal?.throwIfAborted();
        yield { face, at: i * ROWS_OF_A_FILE + at };
      }
    } finally {
      await files.close();
    }
  }
}

async function* facesOfTable(
  open: OpenTable,
  corpus: ReadCorpus,
  ignored: IgnoredEntries,
): AsyncGenerator<FoundFace> {
  const { table, columns } = open;
  const embedded = 'column' in columns.image ? columns.image.column : undefined;
  if (embedded !== undefined) refuseImageRoot(corpus, open);
  const names = [
    ...(columns.faceId === undefined ? [] : [columns.faceId]),
    columns.subjectId,
    ...('path' in columns.image ? [columns.image.path] : []),
    ...corpus.labelColumns.map(({ name }) => name),
  ];
  for (const piece of table.pieces) {
    const rows = await orBroken(corpus, ignored, open.uri, { row: piece.start }, async () => {
      if (embedded !== undefined) refuseWholeColumn(open, piece, embedded);
      return table.read([...new Set(names)], piece.start, piece.start + piece.rows);
    });
    if (rows === undefined) continue;
    const size = embedded === undefined ? undefined : table.columnSize(piece, embedded);
    if (size?.paged === false) corpus.estimate.addPiece(open.uri, piece, size.stored);
    const bytes = size?.decoded ?? 0;
    for (const [i, row] of rows.entries()) {
      const at = piece.start + i;
      yield { face: faceOf(row, at, Math.round(bytes / piece.rows), open, corpus), at };
    }
  }
}

function faceOf(row: SourceRow, at: number, bytes: number, open: OpenTable, corpus: ReadCorpus): FaceRecord {
  const { columns, uri } = open;
  const { subjectId, faceId } = idsOfRow(columns, row, uri, at);
  if (subjectId === undefined) throw badId(open, at, columns.subjectId, row);
  if (faceId === undefined) throw badId(open, at, columns.faceId as string, row);
  const labels = corpus.labelColumns.map((column) => labelOf(open, at, column, row[column.name]));
  const rest = { subjectId, ...(labels.length > 0 && { labels }) };
  if ('column' in columns.image) return { faceId, ...rest, uri, bytes, row: at };
  const path = idOfCell(row[columns.image.path]);
  if (path === undefined) throw badId(open, at, columns.image.path, row);
  const inside = insideImageRoot(corpus.imageRoot, path);
  const named = columns.faceId === undefined ? inside : faceId;
  if (inside !== undefined && named !== undefined) return { faceId: named, ...rest, uri: inside, bytes: 0 };
  throw badCell(open, at, columns.image.path, `a path inside ${corpus.imageRoot}`, path);
}

function labelOf(open: OpenTable, at: number, { name, type }: LabelColumn, value: unknown): LabelValue {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  const label = typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : value;
  if (typeof value === 'bigint' && type === 'number' && BigInt(label as number) !== value) {
    throw badCell(open, at, name, 'a label of type number, which holds integers exactly up to 2^53', value);
  }
  if ((typeof label === 'string' || typeof label === 'number') && fitsLabel(type, label)) return label;
  throw badCell(open, at, name, `a label of type ${type}`, value);
}

/** What the others are compared with. */
type FirstTable = Pick<OpenTable, 'name' | 'columns'>;

/** Of different columns, the ids of one table would be no ids of the same people and faces in another. */
function refuseOtherIds(first: FirstTable, file: string, columns: CorpusColumns): void {
  for (const [role, what] of [
    ['subjectId', 'person'],
    ['faceId', 'face id'],
  ] as const) {
    const [expected, found] = [first.columns[role], columns[role]];
    if (expected === found) continue;
    const where = expected === undefined ? 'no' : 'the';
    throw new ConfigError(
      'bad-table',
      `table: expected ${where} ${what} ${expected === undefined ? 'column' : `in ${expected}`}, as in ${first.name}, ` +
        `found ${found === undefined ? 'none' : `it in ${found}`}; ${TABLE_ROLES[role].option} names one for all`,
      { file },
    );
  }
}

const LABEL_KINDS: Readonly<Record<LabelType, readonly SourceField['kind'][]>> = {
  string: ['text'],
  integer: ['integer', 'boolean'],
  number: ['number', 'integer'],
};

function checkLabels(labels: readonly LabelColumn[], fields: readonly SourceField[], file: string): void {
  for (const { name, type } of labels) {
    const field = fields.find((field) => field.name === name);
    if (field !== undefined && LABEL_KINDS[type].includes(field.kind)) continue;
    const fitting = (Object.keys(LABEL_KINDS) as LabelType[]).find(
      (type) => field !== undefined && LABEL_KINDS[type].includes(field.kind),
    );
    throw new ConfigError(
      'bad-table',
      `table: --label-columns: expected a column for labels of type ${type}, found ${field?.type ?? 'no such column'}` +
        (fitting === undefined ? '' : `; say ${name}:${fitting}`),
      { file, column: name },
    );
  }
}

function refuseImageRoot({ imageRoot, tables }: ReadCorpus, { name }: OpenTable): void {
  const same = imageRoot.replace(/\/+$/, '') === tables.source.root.replace(/\/+$/, '');
  if (same) return;
  throw new ConfigError(
    'bad-option',
    '--image-root: expected with a column of paths only; the images are in the table',
    {
      file: name,
    },
  );
}

/** A worker would have to hold the whole column for one image of it. */
function refuseWholeColumn({ table, name }: OpenTable, piece: TablePiece, column: string): void {
  const { decoded, paged } = table.columnSize(piece, column);
  if (decoded <= MAX_WHOLE_COLUMN || paged) return;
  throw new ConfigError(
    'bad-table',
    `table: expected a page index, or images of at most ${MAX_WHOLE_COLUMN} bytes in a row group, found ${decoded}; ` +
      'write smaller row groups, or a page index',
    { file: name, column, row: piece.start },
  );
}

/** What `read` gives; where the file is broken, undefined (and counted) if that is asked for. */
async function orBroken<T>(
  { readBroken, tables, format }: ReadCorpus,
  ignored: IgnoredEntries,
  uri: string,
  place: { readonly row?: number },
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    // Ours are about the place, the service or the request, and not about the bytes of the file.
    if (error instanceof PosecastError) throw error;
    const problem = `expected a sound ${format} file, ${describeError(error)}`;
    if (!readBroken) {
      throw new ConfigError(
        'bad-table',
        `table: ${problem}`,
        { file: fileAddress(tables.source, uri), ...place },
        error,
      );
    }
    const where = place.row === undefined ? uri : `${uri} from row ${place.row}`;
    ignored.add('broken table', `${where}: ${problem}`);
    return undefined;
  }
}

function badId(open: OpenTable, at: number, column: string, row: SourceRow): ConfigError {
  return badCell(open, at, column, 'text or a number', row[column]);
}

function badCell(
  open: OpenTable,
  row: number,
  column: string,
  expected: string,
  value: unknown,
): ConfigError {
  const found = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
  return new ConfigError('bad-table', `table: expected ${expected}, found ${found}`, {
    file: open.name,
    column,
    row,
  });
}

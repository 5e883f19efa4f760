/** The index of a RecordIO archive, as `mxnet.recordio.MXIndexedRecordIO` writes it: lines `key<tab>offset`. */
import { ConfigError } from '../../shared/errors.ts';
import type { ArchiveFile } from './archiveFile.ts';
import { fileLines } from './fileLines.ts';

export interface IndexEntry {
  readonly key: number;
  /** Where the record begins in the archive. */
  readonly offset: number;
}

const LINE = /^(\d{1,15})\t(\d{1,16})$/;

/** Entries in file order. @throws ConfigError that names the line which is none. */
export async function* readRecordIndex(idx: ArchiveFile): AsyncGenerator<IndexEntry> {
  for await (const { line, text } of fileLines(idx)) {
    const [, key, offset] = LINE.exec(text) ?? [];
    if (key === undefined || offset === undefined || !Number.isSafeInteger(Number(offset))) {
      throw new ConfigError(
        'bad-archive',
        `RecordIO index: expected key<tab>offset, found ${JSON.stringify(text.slice(0, 80))}`,
        { file: idx.name, line },
      );
    }
    yield { key: Number(key), offset: Number(offset) };
  }
}

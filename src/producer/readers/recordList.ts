/**
 * The list that a RecordIO archive was made from, for the names that its images had. Two forms: `im2rec.py`'s
 * `key<tab>label…<tab>path`, and that of InsightFace's `face2rec2.py`, `aligned<tab>path<tab>label…` with the number of
 * the line, from 1, as the key.
 */
import { ConfigError } from '../../shared/errors.ts';
import type { ArchiveFile } from './archiveFile.ts';
import { openExternalSorter } from './externalSort.ts';
import { fileLines } from './fileLines.ts';
import type { IgnoredEntries } from './ignored.ts';
import type { WalkedRecord } from './recordWalk.ts';

/** An image record of the archive and the number it has there. */
export interface KeyedRecord extends Omit<WalkedRecord, 'status'> {
  readonly key: number;
  /** Of the list, where it is read. */
  readonly path?: string;
}

interface ListEntry {
  readonly line: number;
  readonly key: number;
  readonly label: number;
  readonly path: string;
}

/**
 * The records with their paths, joined on disk. A record that the list has not stays without a path.
 * @throws ConfigError where the list is malformed, names a key twice or gives a record another label than the archive.
 */
export async function* joinRecordList(
  records: AsyncIterable<KeyedRecord>,
  lst: ArchiveFile,
  ignored: IgnoredEntries,
): AsyncGenerator<KeyedRecord> {
  const entries = openExternalSorter<ListEntry>((a, b) => a.key - b.key || a.line - b.line);
  const sorted = openExternalSorter<KeyedRecord>((a, b) => a.key - b.key);
  try {
    for await (const { line, text } of fileLines(lst)) await entries.add(parseLine(lst, line, text));
    for await (const record of records) await sorted.add(record);
    const list = entries.sorted()[Symbol.asyncIterator]();
    let next = await list.next();
    let last = -1;
    const advance = async () => {
      const entry = next.value as ListEntry;
      if (entry.key === last)
        throw badList(lst, entry.line, `expected every key once, found ${last} a second time`);
      last = entry.key;
      next = await list.next();
      return entry;
    };
    for await (const record of sorted.sorted()) {
      while (!next.done && next.value.key < record.key) {
        ignored.add('in the list, not an image of the archive', (await advance()).path);
      }
      if (next.done || next.value.key > record.key) yield record;
      else {
        const { line, label, path } = await advance();
        if (Math.fround(label) !== record.labels[0]) {
          throw badList(
            lst,
            line,
            `expected the label that record ${record.key} has, ${record.labels[0]}, found ${label}`,
          );
        }
        yield { ...record, path };
      }
    }
    while (!next.done) ignored.add('in the list, not an image of the archive', (await advance()).path);
  } finally {
    await entries.close();
    await sorted.close();
  }
}

function parseLine(lst: ArchiveFile, line: number, text: string): ListEntry {
  const fields = text.split('\t');
  const [first = '', second = '', third = ''] = fields;
  const key = Number(first);
  if (fields.length >= 3 && /^\d{1,15}$/.test(first)) {
    const path = fields.at(-1) as string;
    if (isNumber(second)) return { line, key, label: Number(second), path };
    if (key <= 1 && isNumber(third)) return { line, key: line, label: Number(third), path: second };
  }
  throw badList(
    lst,
    line,
    `expected key<tab>label<tab>path or aligned<tab>path<tab>label, found ${JSON.stringify(text.slice(0, 80))}`,
  );
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

function badList(lst: ArchiveFile, line: number, problem: string): ConfigError {
  return new ConfigError('bad-archive', `RecordIO list: ${problem}`, { file: lst.name, line });
}

/**
 * Writes RecordIO archives as MXNet does: the splitting of dmlc-core's `RecordIOWriter::WriteRecord`, the header of
 * `mxnet.recordio.pack`, the index and the identity records of InsightFace's `dir2rec.py`. Shares no code with the
 * reader.
 */
import { writeFileSync } from 'node:fs';

const MAGIC = Buffer.from([0x0a, 0x23, 0xd7, 0xce]);

/** One record: split wherever the magic word stands at a multiple of four. */
export function writeRecord(content: Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  const chunks: Buffer[] = [];
  let from = 0;
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    if (!bytes.subarray(i, i + 4).equals(MAGIC)) continue;
    chunks.push(MAGIC, lengthWord(from === 0 ? 1 : 2, i - from), bytes.subarray(from, i));
    from = i + 4;
  }
  chunks.push(MAGIC, lengthWord(from === 0 ? 0 : 3, bytes.length - from), bytes.subarray(from));
  return Buffer.concat([...chunks, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function lengthWord(cflag: number, length: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(((cflag << 29) | length) >>> 0);
  return word;
}

/** `recordio.pack(IRHeader(flag, label, id, 0), image)`: one label in the header, or an array after it. */
export function packImage(label: number | readonly number[], id: number, image: Uint8Array): Buffer {
  const labels = typeof label === 'number' ? [] : label;
  const header = Buffer.alloc(24 + 4 * labels.length);
  header.writeUInt32LE(labels.length, 0);
  header.writeFloatLE(typeof label === 'number' ? label : 0, 4);
  header.writeBigUInt64LE(BigInt(id), 8);
  for (const [i, value] of labels.entries()) header.writeFloatLE(value, 24 + 4 * i);
  return Buffer.concat([header, image]);
}

export interface ArchiveImage {
  readonly label: number | readonly number[];
  readonly image: Uint8Array;
}

export interface WrittenArchive {
  readonly rec: Buffer;
  /** Lines `key<tab>offset`. */
  readonly idx: string;
  /** Offset of each record by its key. */
  readonly offsets: readonly number[];
}

/** Records one after the other, keys from 0. */
export function writeArchive(contents: readonly Uint8Array[]): WrittenArchive {
  const offsets: number[] = [];
  const records: Buffer[] = [];
  let at = 0;
  for (const content of contents) {
    const record = writeRecord(content);
    offsets.push(at);
    records.push(record);
    at += record.length;
  }
  return {
    rec: Buffer.concat(records),
    idx: offsets.map((offset, key) => `${key}\t${offset}\n`).join(''),
    offsets,
  };
}

/**
 * As InsightFace has it: record 0 says where the identity records are, images from 1 in the order of their people, then
 * for each person a record with the range of their images.
 */
export function writeInsightFaceArchive(people: readonly (readonly ArchiveImage[])[]): WrittenArchive {
  const images = people.flat();
  const first = images.length + 1;
  const empty = new Uint8Array(0);
  let next = 1;
  const identities = people.map((faces, i) => {
    const range = [next, next + faces.length];
    next += faces.length;
    return packImage(range, first + i, empty);
  });
  return writeArchive([
    packImage([first, first + people.length], 0, empty),
    ...images.map(({ label, image }, i) => packImage(label, i + 1, image)),
    ...identities,
  ]);
}

/** Writes `<stem>.rec` and, where asked for, `<stem>.idx`. */
export function saveArchive(stem: string, archive: WrittenArchive, { index = true } = {}): void {
  writeFileSync(`${stem}.rec`, archive.rec);
  if (index) writeFileSync(`${stem}.idx`, archive.idx);
}

/**
 * Takes one member out of a zip file, reading only its directory and that member. Knows stored and deflated
 * members below 4 GB, which is what model releases are; anything else is refused by name.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { IntegrityError } from '../shared/errors.ts';

const inflate = promisify(inflateRaw);

/** End of central directory: 22 bytes and a comment of up to 65,535. */
const END_SIZE = 22;
const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const LOCAL_MARK = 0x04034b50;
/** Larger members are refused: a model that big does not exist, a bomb does. */
const MAX_MEMBER_BYTES = 2 ** 31;

/** Bytes of the member with that path, or that file name in any folder. Throws IntegrityError. */
export async function readZipMember(path: string, member: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    return await readMember(file, path, member);
  } finally {
    await file.close();
  }
}

/** Bytes of the file; lengths and positions come from the file itself and are not believed. */
async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { size } = await file.stat();
  if (position < 0 || position + length > size) {
    throw new IntegrityError('bad-zip', 'zip file is cut short or damaged', { at: position, bytes: length });
  }
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new IntegrityError('bad-zip', 'zip file is cut short', { at: position });
    done += bytesRead;
  }
  return buffer;
}

async function readMember(file: FileHandle, path: string, member: string): Promise<Uint8Array> {
  const { size } = await file.stat();
  const tailLength = Math.min(size, END_SIZE + 65_535);
  const tail = await read(file, size - tailLength, tailLength);
  let end = tail.length - END_SIZE;
  while (end >= 0 && tail.readUInt32LE(end) !== END_MARK) end--;
  if (end < 0) throw new IntegrityError('bad-zip', 'file is not a complete zip file', { file: path });
  const count = tail.readUInt16LE(end + 10);
  const directory = await read(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));

  const names: string[] = [];
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY_MARK) {
      throw new IntegrityError('bad-zip', 'zip directory is damaged', { file: path, entry: i });
    }
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.subarray(at + 46, at + 46 + nameLength).toString('utf8');
    if (name === member || name.endsWith(`/${member}`)) return await readEntry(file, directory, at, name);
    names.push(name);
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new IntegrityError(
    'not-in-zip',
    `expected ${member} in the zip file, found ${names.slice(0, 10).join(', ')}`,
  );
}

async function readEntry(file: FileHandle, directory: Buffer, at: number, name: string): Promise<Uint8Array> {
  const method = directory.readUInt16LE(at + 10);
  const crc = directory.readUInt32LE(at + 16);
  const packed = directory.readUInt32LE(at + 20);
  const unpacked = directory.readUInt32LE(at + 24);
  const start = directory.readUInt32LE(at + 42);
  const encrypted = (directory.readUInt16LE(at + 8) & 1) !== 0;
  if (
    encrypted ||
    (method !== 0 && method !== 8) ||
    unpacked > MAX_MEMBER_BYTES ||
    packed > MAX_MEMBER_BYTES
  ) {
    throw new IntegrityError('bad-zip', 'zip member is of a kind that is not supported', {
      member: name,
      method,
      bytes: unpacked,
    });
  }
  const local = await read(file, start, 30);
  if (local.readUInt32LE(0) !== LOCAL_MARK) {
    throw new IntegrityError('bad-zip', 'zip directory points nowhere', { member: name });
  }
  const data = await read(file, start + 30 + local.readUInt16LE(26) + local.readUInt16LE(28), packed);
  let bytes: Uint8Array;
  try {
    bytes = method === 0 ? data : await inflate(data, { maxOutputLength: Math.max(1, unpacked) });
  } catch (error) {
    throw new IntegrityError('bad-zip', 'zip member cannot be unpacked', { member: name }, error);
  }
  if (bytes.length !== unpacked || crc32(bytes) !== crc) {
    throw new IntegrityError('bad-zip', 'zip member is damaged', { member: name, bytes: bytes.length });
  }
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** CRC-32 of ISO 3309, as zip has it; Node's own came only with 20.15. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

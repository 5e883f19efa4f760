/**
 * Where the photographs of a corpus lie: a folder or s3://bucket/prefix. A photograph is a whole object (a file), or a
 * byte range of one (a member of an archive). One that cannot be read is a rejection, not an exception.
 */
import { ConfigError, PosecastError } from '../errors.ts';
import type { FaceRecord, Rejection } from '../face.ts';

/** Larger photographs are refused before they are read: none of a face needs more. */
export const MAX_IMAGE_BYTES = 256 * 2 ** 20;

/** Bytes [start, end) of an object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Asked, before they are read, whether there is room for so many bytes. */
export type HasRoom = (bytes: number) => boolean;

export type ReadOutcome = { readonly status: 'ok'; readonly bytes: Uint8Array } | Rejected;

export interface Rejected {
  readonly status: 'rejected';
  readonly rejection: Rejection;
}

export interface CorpusSource {
  /** For people and messages: the absolute folder, or s3://bucket/prefix. Never holds credentials. */
  readonly root: string;
  /** How many reads at a time are worth their memory: a disk wants few, a service far away many. */
  readonly concurrency: number;
  /**
   * A whole object of at most MAX_IMAGE_BYTES, or exactly the bytes of a range of it, in an ArrayBuffer of their own.
   * `uri` is relative to the root and may not leave it. What is wrong with this one object is a rejection of stage
   * 'read': outside-corpus, link-outside-corpus, missing, unreadable, not-a-file, too-many-bytes, shrank, beyond-end,
   * changed (ranges of an object in S3 that was replaced since its first range was read), no-room (of a whole object,
   * when `hasRoom` says so). Everything else is thrown: the disk, the mount, the service or the credentials fail all
   * photographs alike.
   */
  read(
    uri: string,
    range: ByteRange | undefined,
    signal: AbortSignal,
    hasRoom?: HasRoom,
  ): Promise<ReadOutcome>;
  /**
   * An object for many reads, such as an archive that is listed. What `read` would reject is a ConfigError here.
   */
  open(uri: string, signal: AbortSignal): Promise<SourceFile>;
  /** Names of the files directly below the root, sorted by their UTF-8 bytes. */
  fileNames(signal: AbortSignal): Promise<string[]>;
  /** Throws when the service does not answer now. Absent: no service stands between us and the photographs. */
  answers?(signal: AbortSignal): Promise<void>;
  /** Releases sockets. */
  close(): Promise<void>;
}

/** An object that stays open. */
export interface SourceFile {
  readonly uri: string;
  /** Its size when it was opened. */
  readonly bytes: number;
  /** True: a read costs as much as a megabyte does. False: it costs next to nothing. */
  readonly far: boolean;
  /** Exactly these bytes; PosecastError when the object has become shorter, or another one. */
  read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Where one image lies: `bytes` is its exact length when there is an `offset`, else only what the listing knew. */
export type ImageLocation = Pick<FaceRecord, 'uri' | 'offset'> & Partial<Pick<FaceRecord, 'bytes'>>;

/** The bytes of a listed photograph. */
export async function readImage(
  source: CorpusSource,
  { uri, offset, bytes = 0 }: ImageLocation,
  signal: AbortSignal,
  hasRoom?: HasRoom,
): Promise<ReadOutcome> {
  if (offset === undefined) return source.read(uri, undefined, signal, hasRoom);
  if (bytes > MAX_IMAGE_BYTES) return tooManyBytes(bytes);
  return source.read(uri, { start: offset, end: offset + bytes }, signal);
}

/**
 * What `open` throws where `read` would reject; the rejection's code is among its facts. Listing a corpus ends with it.
 */
export function cannotOpen(root: string, uri: string, { code, message }: Rejection): ConfigError {
  return new ConfigError('no-corpus', `corpus: expected a file that can be read, ${message}`, {
    root,
    file: uri,
    code,
  });
}

/** What an open object throws when something is wrong with it alone, by the code that `read` would reject with. */
const OF_ONE_OBJECT: ReadonlySet<string> = new Set([
  'missing',
  'unreadable',
  'too-many-bytes',
  'shrank',
  'beyond-end',
  'changed',
]);

/** A failure of this one object, as against one of the disk, the service or the credentials. */
export function isOfOneObject(error: unknown): error is PosecastError {
  return error instanceof PosecastError && OF_ONE_OBJECT.has(error.code);
}

function tooManyBytes(found: number): Rejected {
  return rejected('too-many-bytes', `expected at most ${MAX_IMAGE_BYTES} bytes, found ${found}`);
}

/** Why a whole object of so many bytes is not read; undefined: nothing speaks against it. */
export function refusedSize(bytes: number, hasRoom: HasRoom = () => true): Rejected | undefined {
  if (bytes > MAX_IMAGE_BYTES) return tooManyBytes(bytes);
  return hasRoom(bytes)
    ? undefined
    : rejected('no-room', `not enough memory for its ${bytes} bytes at the moment`);
}

export function rejected(code: string, message: string): Rejected {
  return { status: 'rejected', rejection: { stage: 'read', code, message } };
}

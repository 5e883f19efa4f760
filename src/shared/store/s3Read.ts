/** Reading from S3: bodies that break off are asked for again, and ranges are exactly what was asked. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { IntegrityError, PosecastError, StoreUnusableError } from '../errors.ts';
import { sendOptions } from './s3Client.ts';
import { httpStatus, isAbsent } from './s3Errors.ts';

const READ_ATTEMPTS = 4;
/** What may be said of the request, of who is asking or of the bucket as well as of the one object. */
const AMBIGUOUS: readonly (number | undefined)[] = [400, 401, 403, 404];

export interface S3Object {
  readonly Bucket: string;
  readonly Key: string;
}

/** The version of an object that several reads are held to: the one that the first of them finds. */
export interface ObjectVersion {
  /** Undefined before the first read. */
  etag: string | undefined;
}

export interface ReadObjectOptions {
  /** Bytes [start, end); default: the whole object. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
  /** Says of a body, before it is read, whether it is to be read. */
  readonly accepts?: (bytes: number) => boolean;
  readonly signal?: AbortSignal | undefined;
  /** Which version of the object is meant, and who hears which one it is. */
  readonly version?: ObjectVersion | undefined;
  /** Hears why a body is asked for again. */
  readonly onRetry?: (error: unknown) => void;
}

/**
 * The body, in an ArrayBuffer of its own; undefined when the object is absent. Throws the service's own error, an
 * IntegrityError, too-large (not accepted), or a PosecastError: bad-range (the object ends before the range does),
 * cut-short (again and again), changed (another version than is meant).
 */
export async function readObject(
  client: S3Client,
  object: S3Object,
  { range, accepts = () => true, signal, version, onRetry }: ReadObjectOptions = {},
): Promise<Uint8Array | undefined> {
  if (range !== undefined && range.end <= range.start) return new Uint8Array(0);
  for (let tries = 1; ; tries++) {
    const input = {
      ...object,
      ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
      ...(version?.etag !== undefined && { IfMatch: version.etag }),
    };
    try {
      const answer = await client.send(new GetObjectCommand(input), sendOptions(signal));
      const { Body, ContentLength } = answer;
      try {
        if (version !== undefined) holdTo(object, version, answer.ETag);
      } catch (error) {
        (Body as Readable | undefined)?.destroy();
        throw error;
      }
      // A service that does not know ranges answers with the whole object.
      const tooMuch = range !== undefined && (ContentLength ?? 0) > range.end - range.start;
      if (tooMuch || !accepts(ContentLength ?? 0)) {
        (Body as Readable | undefined)?.destroy();
        throw tooMuch ? badRange(object, range) : tooLarge(object, ContentLength ?? 0);
      }
      const bytes = await wholeBody(object, Body, ContentLength);
      if (range === undefined || bytes.length === range.end - range.start) return ownBuffer(bytes);
      throw badRange(object, range);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (version?.etag !== undefined && httpStatus(error) === 412) throw changed(object, version.etag);
      if (range !== undefined && httpStatus(error) === 416) throw badRange(object, range);
      // The client retries requests, but not a body that breaks off while it is read.
      const mayPass =
        error instanceof PosecastError ? error.code === 'cut-short' : (httpStatus(error) ?? 500) >= 500;
      if (tries >= READ_ATTEMPTS || signal?.aborted || !mayPass) throw error;
      await sleep(100 * 2 ** tries, undefined, signal === undefined ? {} : { signal });
      onRetry?.(error);
    }
  }
}

/**
 * Size and version of an object, or undefined when there is none. Throws the service's own error: the answer to a HEAD
 * has no body that would say what is refused, or whether the object or its whole bucket is absent, so such a one is
 * asked again as a GET.
 */
export async function headObject(
  client: S3Client,
  object: S3Object,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number; readonly etag: string | undefined } | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const { ContentLength, ETag } = await client.send(new HeadObjectCommand(object), sendOptions(signal));
      return { bytes: ContentLength ?? 0, etag: ETag };
    } catch (error) {
      if (!AMBIGUOUS.includes(httpStatus(error))) throw error;
      const found = await readObject(client, object, { range: { start: 0, end: 1 }, signal });
      if (found === undefined) return undefined;
      // An object that was not there, and is now, was written in between.
      if (httpStatus(error) !== 404 || tries > 1) throw error;
    }
  }
}

/**
 * Throws a PosecastError, changed, when an answer is of another version. Some services do not know If-Match; weak
 * ETags, as proxies make them, name no version.
 */
export function holdTo(object: S3Object, version: ObjectVersion, found: string | undefined): void {
  if (found === undefined || found.startsWith('W/')) return;
  version.etag ??= found;
  if (version.etag !== found) throw changed(object, version.etag, found);
}

interface S3Body {
  transformToByteArray(): Promise<Uint8Array>;
}

async function wholeBody(
  { Key: key }: S3Object,
  body: S3Body | undefined,
  expected: number | undefined,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = (await body?.transformToByteArray()) ?? new Uint8Array(0);
  } catch (error) {
    throw new PosecastError('cut-short', 'S3 body is cut short', { key, expected }, error);
  }
  if (expected === undefined || bytes.length === expected) return bytes;
  throw new PosecastError('cut-short', 'S3 body is cut short', { key, expected, bytes: bytes.length });
}

/** Small buffers share one with others, which must not be handed to a thread. */
function ownBuffer(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

export interface ListedObject {
  readonly Key: string;
  readonly Size: number;
}

/** One request's worth of keys. `token`: where the next page starts; undefined after the last. */
export interface ListedPage {
  readonly objects: readonly ListedObject[];
  readonly token: string | undefined;
}

export interface ListRequest {
  readonly Bucket: string;
  readonly Prefix: string;
  readonly token?: string | undefined;
  /** Keys that hold it behind the prefix are left out. */
  readonly delimiter?: string | undefined;
  /** Default: as many as the service gives, 1000. */
  readonly pageKeys?: number | undefined;
}

/**
 * Up to 1000 objects under a prefix, in the order of the UTF-8 bytes of their keys. Throws the service's own error, or a
 * StoreUnusableError, broken-listing: there are more, and the service does not say where they start.
 */
export async function listPage(
  client: S3Client,
  { Bucket, Prefix, token, delimiter, pageKeys }: ListRequest,
  signal: AbortSignal | undefined,
): Promise<ListedPage> {
  const page = await client.send(
    new ListObjectsV2Command({
      Bucket,
      Prefix,
      ContinuationToken: token,
      Delimiter: delimiter,
      MaxKeys: pageKeys,
      // XML has no way to write control characters, which keys may hold.
      EncodingType: 'url',
    }),
    sendOptions(signal),
  );
  const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
  return {
    objects: (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ Key: decode(Key), Size })),
    token: nextToken(page, { Bucket, Prefix, token }),
  };
}

/** IsTruncated decides: some services send a token with the last page too. Those that leave it out send one for more. */
function nextToken(
  { IsTruncated, NextContinuationToken: found }: ListObjectsV2CommandOutput,
  { Bucket, Prefix, token }: ListRequest,
): string | undefined {
  if (!(IsTruncated ?? Boolean(found))) return undefined;
  if (found !== undefined && found !== '' && found !== token) return found;
  throw new StoreUnusableError(
    'broken-listing',
    `S3 listing: expected the token of the next page, found ${found ? 'that of the page itself' : 'none'}`,
    { bucket: Bucket, prefix: Prefix },
  );
}

/** As in a form: a blank is a plus. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

function badRange({ Key }: S3Object, { start, end }: { start: number; end: number }): PosecastError {
  return new PosecastError('bad-range', 'range ends behind the object', { key: Key, start, end });
}

function changed({ Key }: S3Object, expected: string, found?: string): PosecastError {
  return new PosecastError('changed', 'object is another one than before', { key: Key, expected, found });
}

function tooLarge({ Key }: S3Object, bytes: number): IntegrityError {
  return new IntegrityError('too-large', 'object is larger than it may be', { key: Key, bytes });
}

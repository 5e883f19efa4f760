/** A corpus under s3://bucket/prefix: one ranged GET a read. Keys may be any text, as other tools write them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type ErrorFacts, PosecastError, StoreUnusableError } from '../errors.ts';
import type { RequestListeners, StoreOperation, StoreRetry } from '../store/observedStore.ts';
import { type OpenedS3, openS3Client, sendOptions } from '../store/s3Client.ts';
import { errorName, httpStatus, isDenialOfKeys, storeFailure } from '../store/s3Errors.ts';
import {
  headObject,
  holdTo,
  type ListedPage,
  listPage,
  type ObjectVersion,
  readObject,
} from '../store/s3Read.ts';
import { retryCode } from '../store/s3Retries.ts';
import type { S3Options } from '../store/storeOptions.ts';
import {
  type ByteRange,
  type CorpusSource,
  cannotOpen,
  type HasRoom,
  type ReadOutcome,
  type Rejected,
  refusedSize,
  rejected,
} from './corpusSource.ts';

/** Requests under way at once; one takes tens of milliseconds wherever the service is. */
const READS = 64;
/** Archives and tables whose version is remembered. */
const VERSIONS = 4096;
/** A key service that restarts refuses everything for a moment. */
const DENIED_WAIT_MS = 500;

export interface S3Source extends CorpusSource {
  /** Every object under the root whose key starts with `under`, in the order of the UTF-8 bytes of its uri. */
  list(under: string, signal: AbortSignal | undefined): AsyncIterable<{ uri: string; bytes: number }>;
}

export interface S3SourceOptions extends Pick<RequestListeners, 'onRetry'> {
  /** Only for tests of page boundaries. */
  readonly pageKeys?: number;
}

/** Opens s3://bucket/prefix for reading. ConfigError within 5 s when it cannot be read. */
export async function openS3Source(
  root: string,
  s3: S3Options,
  { onRetry, pageKeys }: S3SourceOptions = {},
): Promise<S3Source> {
  const options = { s3, sockets: READS, of: 'corpus: ', prefixRule, onRetry };
  const opened = await openS3Client(root, options, async ({ client, address }, deadline) => {
    try {
      const listing = new ListObjectsV2Command({
        Bucket: address.bucket,
        Prefix: address.prefix,
        MaxKeys: 1,
      });
      await client.send(listing, sendOptions(deadline));
    } catch (error) {
      // Who may read may still be forbidden to list: enough for archives and lists.
      if (errorName(error) !== 'AccessDenied') throw error;
    }
  });
  return s3Source(opened, pageKeys, onRetry);
}

function s3Source(
  { client, address: { bucket, prefix } }: OpenedS3,
  pageKeys: number | undefined,
  onRetry: (retry: StoreRetry) => void = () => {},
): S3Source {
  const root = `s3://${bucket}/${prefix}`;
  const target = (uri: string) => ({ Bucket: bucket, Key: prefix + uri });

  /** By uri, of what is read in pieces: those of two versions must not be mixed. */
  const versions = new Map<string, ObjectVersion>();
  function versionOf(uri: string): ObjectVersion {
    const version = versions.get(uri) ?? { etag: undefined };
    versions.delete(uri);
    versions.set(uri, version);
    for (const oldest of versions.keys()) {
      if (versions.size <= VERSIONS) break;
      versions.delete(oldest);
    }
    return version;
  }

  async function read(
    uri: string,
    range: ByteRange | undefined,
    signal: AbortSignal,
    hasRoom?: HasRoom,
  ): Promise<ReadOutcome> {
    if (!staysInside(uri)) return outside(uri);
    let refusedWhole: Rejected | undefined;
    const accepts = (bytes: number): boolean => {
      refusedWhole = refusedSize(bytes, hasRoom);
      return refusedWhole === undefined;
    };
    try {
      const bytes = await attempt('get', prefix + uri, () =>
        readObject(client, target(uri), {
          range,
          signal,
          onRetry: (error) => onRetry({ operation: 'get', code: retryCode(error) }),
          ...(range === undefined ? { accepts } : { version: versionOf(uri) }),
        }),
      );
      return bytes === undefined ? missing() : { status: 'ok', bytes };
    } catch (error) {
      const refused = refusedWhole ?? refusal(error, range);
      if (refused !== undefined) return refused;
      throw error;
    }
  }

  /** Runs a request; what is thrown says what it was about and holds no signed header. */
  async function attempt<T>(operation: StoreOperation, key: string, run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await run();
      } catch (error) {
        if (isForbidden(error)) {
          if (httpStatus(error) !== 403 || tries > 1) throw error;
          await sleep(DENIED_WAIT_MS);
          onRetry({ operation, code: retryCode(error) });
        } else throw corpusFailure(operation, { bucket, key }, error);
      }
    }
  }

  async function* list(under: string, signal: AbortSignal | undefined, delimiter?: string) {
    let token: string | undefined;
    do {
      const page: ListedPage = await attempt('list', prefix + under, () =>
        listPage(client, { Bucket: bucket, Prefix: prefix + under, token, delimiter, pageKeys }, signal),
      );
      for (const { Key, Size } of page.objects) yield { uri: Key.slice(prefix.length), bytes: Size };
      token = page.token;
    } while (token !== undefined);
  }

  return {
    root,
    concurrency: READS,
    read,
    async open(uri, signal) {
      if (!staysInside(uri)) throw cannotOpen(root, uri, outside(uri).rejection);
      const bytes = await attempt('head', prefix + uri, async () => {
        const found = await headObject(client, target(uri), signal);
        if (found !== undefined) holdTo(target(uri), versionOf(uri), found.etag);
        return found?.bytes;
      }).catch((error: unknown) => {
        const refused = refusal(error);
        throw refused === undefined ? error : cannotOpen(root, uri, refused.rejection);
      });
      if (bytes === undefined) throw cannotOpen(root, uri, missing().rejection);
      return {
        uri,
        bytes,
        far: true,
        async read(range, signal) {
          const outcome = await read(uri, range, signal);
          if (outcome.status === 'ok') return outcome.bytes;
          const { code, message } = outcome.rejection;
          throw new PosecastError(code, `corpus: object ${message}`, { root, object: uri });
        },
        close: async () => {},
      };
    },
    list,
    async fileNames(signal) {
      const names: string[] = [];
      for await (const { uri } of list('', signal, '/')) names.push(uri);
      return names;
    },
    async answers(signal) {
      try {
        await client.send(new HeadObjectCommand(target('.posecast-answers')), sendOptions(signal));
      } catch (error) {
        // That there is no such object, or that it may not be seen, is an answer.
        if ((httpStatus(error) ?? 500) >= 500) throw corpusFailure('head', { bucket }, error);
      }
    },
    close: async () => client.destroy(),
  };
}

function prefixRule(prefix: string): string | undefined {
  return staysInside(prefix) ? undefined : "has a NUL, or a segment '.' or '..'";
}

/** Services and proxies resolve `..` in a path. */
function staysInside(uri: string): boolean {
  return !uri.includes('\0') && !uri.split('/').some((segment) => segment === '..' || segment === '.');
}

/** That these credentials may not read this one object, as against credentials that are wrong or have expired. */
function isForbidden(error: unknown): boolean {
  return errorName(error) === 'AccessDenied' || isBareDenial(error);
}

/** As for OUT, but the code says whose store it is: with the corpus gone, OUT is as good as before. */
function corpusFailure(operation: string, facts: ErrorFacts, error: unknown): Error {
  const failure = storeFailure(`corpus ${operation}`, facts, error);
  if (!(failure instanceof StoreUnusableError)) return failure;
  return new StoreUnusableError(`corpus-${failure.code}`, `corpus: ${failure.message}`, {}, failure.cause);
}

function isBareDenial(error: unknown): boolean {
  return httpStatus(error) === 403 && !isDenialOfKeys(error);
}

/** The rejection that an error stands for; undefined: it is not about this one object. */
function refusal(error: unknown, range?: ByteRange): Rejected | undefined {
  if (isForbidden(error)) return rejected('unreadable', 'cannot be read: AccessDenied');
  if (!(error instanceof PosecastError)) return undefined;
  switch (error.code) {
    case 'bad-range':
      return rejected('beyond-end', `expected bytes ${range?.start}–${range?.end}, the object ends before`);
    case 'changed':
      return rejected('changed', 'has been replaced by another one since it was first read');
    case 'cut-short':
      return rejected('shrank', 'the body breaks off before its stated length, again and again');
    default:
      return undefined;
  }
}

function missing(): Rejected {
  return rejected('missing', 'cannot be read: no such object');
}

function outside(uri: string): Rejected {
  return rejected('outside-corpus', `key leaves the corpus [uri=${JSON.stringify(uri)}]`);
}

/** A store in an S3 bucket, or in a service that speaks its protocol. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ConfigError, IntegrityError } from '../errors.ts';
import { MULTIPART_BYTES, PART_BYTES } from './multipart.ts';
import { bodyBytes, cutBody, type ObjectBody, wholeBody } from './objectBody.ts';
import { MAX_WHOLE_BYTES, type ObjectInfo, type ObjectStore } from './objectStore.ts';
import type { StoreOperation, StoreRetry } from './observedStore.ts';
import { type OpenedS3, openS3Client, sendOptions } from './s3Client.ts';
import { httpStatus, isDenied, plainError, requestAttempts, storeFailure } from './s3Errors.ts';
import { headObject, type ListedPage, listPage, readObject } from './s3Read.ts';
import { retryCode } from './s3Retries.ts';
import { checkKey, RESERVED_SEGMENT } from './storeKey.ts';
import type { OpenStoreOptions } from './storeOptions.ts';

/** Bodies in pieces are copied into their parts; longer pieces would be copied more than once. */
const CUT_BYTES = 2 ** 20;
/** Requests under way at once, at most. */
const SOCKETS = 50;
const CONFLICT_ATTEMPTS = 8;
/** A key service that restarts must not end a night's work; one that still refuses after these waits means it. */
const DENIED_WAITS_MS = [1_000, 3_000];
/** Without put-if-absent: how long a rival that looked at the same moment gets to write before the read back. */
const SETTLE_MS = 300;
/** How long the writes of the probe, and its removal, are waited for where they outlast the opening, in milliseconds. */
const PROBE_MS = 10_000;

/** Opens s3://bucket/prefix. ConfigError within 5 s when it cannot be used. */
export async function openS3Store(uri: string, options: OpenStoreOptions): Promise<ObjectStore> {
  const writes = options.access !== 'read';
  let atomic = false;
  const opened = await openS3Client(uri, { ...options, sockets: SOCKETS }, async (opened, deadline) => {
    const { bucket, prefix } = opened.address;
    const listing = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
    await opened.client.send(listing, { abortSignal: deadline });
    if (!writes) return;
    const probed = await probe(opened, deadline);
    if (probed.denied !== undefined) throw mayNotDelete(opened, probed.denied);
    atomic = probed.atomic;
  });
  if (writes && !atomic) {
    options.onWarning?.(
      `S3 service at ${opened.address.endpoint ?? 'AWS'} ignores If-None-Match: two attempts of a shard that finish ` +
        'in the same moment may both believe that theirs counts; run `posecast verify` on the result',
    );
  }
  return s3Store(opened, atomic, options.onRetry);
}

interface Probed {
  /** Whether the second of two conditional writes of one key is refused. */
  readonly atomic: boolean;
  /** Why the key may not be deleted; absent where it was, or where the service failed at it in passing. */
  readonly denied?: unknown;
}

/**
 * Tries conditional writes on a throw-away key, and deleting it. A write is not broken off by the deadline: the service
 * may carry it out all the same, after the key was removed.
 */
async function probe(opened: OpenedS3, deadline: AbortSignal): Promise<Probed> {
  const { bucket, prefix } = opened.address;
  const target = { Bucket: bucket, Key: `${prefix}${RESERVED_SEGMENT}/probe-${randomUUID()}` };
  let denied: unknown;
  const remove = async (): Promise<void> => {
    const removal = { abortSignal: AbortSignal.timeout(PROBE_MS) };
    await opened.client.send(new DeleteObjectCommand(target), removal).catch((error: unknown) => {
      if (isDenied(error)) denied = error;
    });
  };
  const atomic = await probeWrites(opened, target, deadline).finally(remove);
  return { atomic, denied };
}

async function probeWrites(
  { client }: OpenedS3,
  target: { readonly Bucket: string; readonly Key: string },
  deadline: AbortSignal,
): Promise<boolean> {
  const abortSignal = AbortSignal.timeout(PROBE_MS);
  const conditional = () =>
    client.send(new PutObjectCommand({ ...target, Body: 'probe', IfNoneMatch: '*' }), { abortSignal });
  try {
    await conditional();
    deadline.throwIfAborted();
    await conditional();
    return false;
  } catch (error) {
    if (httpStatus(error) === 412) return true;
    if (httpStatus(error) !== 501) throw error;
    // The service knows no conditional writes at all; whether it can be written to is still to be seen.
    await client.send(new PutObjectCommand({ ...target, Body: 'probe' }), { abortSignal });
    return false;
  }
}

function mayNotDelete({ address: { bucket, endpoint } }: OpenedS3, error: unknown): ConfigError {
  return new ConfigError(
    'access-denied',
    'S3 service lets these credentials write and not delete: a run needs the right s3:DeleteObject',
    { bucket, endpoint: endpoint ?? 'AWS', status: httpStatus(error) },
    plainError(error),
  );
}

function s3Store(
  { client, address: { bucket, prefix, endpoint } }: OpenedS3,
  atomic: boolean,
  onRetry: (retry: StoreRetry) => void = () => {},
): ObjectStore {
  const target = (key: string) => ({ Bucket: bucket, Key: prefix + checkKey(key) });

  async function attempt<T>(operation: StoreOperation, key: string, run: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await run();
      } catch (error) {
        const waitMs = isDenied(error) ? DENIED_WAITS_MS[tries] : undefined;
        if (waitMs === undefined) throw storeFailure(operation, { bucket, key }, error);
        await sleep(waitMs);
        onRetry({ operation, code: retryCode(error) });
      }
    }
  }

  async function putWhole(
    key: string,
    body: Uint8Array,
    ifNoneMatch: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const condition = ifNoneMatch ? { IfNoneMatch: '*' } : {};
    await client.send(
      new PutObjectCommand({ ...target(key), Body: body, ...condition }),
      sendOptions(signal),
    );
  }

  async function putInParts(key: string, body: ObjectBody, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const upload = new Upload({
      client,
      params: {
        ...target(key),
        Body: body instanceof Uint8Array ? body : Readable.from(cutBody(body, CUT_BYTES)),
      },
      partSize: PART_BYTES,
      queueSize: 3,
      leavePartsOnError: false,
    });
    const stop = () => void upload.abort();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await upload.done();
    } catch (error) {
      await removeParts(key);
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Parts of a broken upload cost money until they are removed; no other attempt writes the same key. */
  async function removeParts(key: string): Promise<void> {
    const { Bucket, Key } = target(key);
    const found = await client
      .send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }))
      .catch(() => undefined);
    for (const { Key: uploadKey, UploadId } of found?.Uploads ?? []) {
      if (uploadKey !== Key) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    }
  }

  const get: ObjectStore['get'] = (key, range, signal) =>
    attempt('get', key, () =>
      readObject(client, target(key), {
        range,
        accepts: (bytes) => bytes <= MAX_WHOLE_BYTES,
        signal,
        onRetry: (error) => onRetry({ operation: 'get', code: retryCode(error) }),
      }),
    );

  /** True: written now. The body is read back, because some services alter what they store. */
  async function putIfAbsentAtomic(key: string, body: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        await putWhole(key, body, true, signal);
        break;
      } catch (error) {
        if (httpStatus(error) === 412) {
          // The answer to a first, successful request may have been lost and this is the answer to its repetition.
          return requestAttempts(error) > 1 && equalBytes(await get(key), body);
        }
        if (httpStatus(error) !== 409 || tries >= CONFLICT_ATTEMPTS) throw error;
        await sleep(50 * 2 ** tries * (0.5 + Math.random() / 2));
        onRetry({ operation: 'put-if-absent', code: '409' });
      }
    }
    if (equalBytes(await get(key), body)) return true;
    throw new IntegrityError('altered', 'S3 service stored something else than was sent', { bucket, key });
  }

  /** The weaker guarantee: rivals that look in the same moment all write; the last one to write wins them all. */
  async function putIfAbsentByLooking(key: string, body: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    if ((await head(key, signal)) !== undefined) return false;
    await putWhole(key, body, false, signal);
    await sleep(SETTLE_MS);
    return equalBytes(await get(key), body);
  }

  function head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    return attempt('head', key, async () => {
      const found = await headObject(client, target(key), signal);
      return found && { key, bytes: found.bytes };
    });
  }

  async function* list(under: string, signal?: AbortSignal): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page: ListedPage = await attempt('list', under, () =>
        listPage(client, { Bucket: bucket, Prefix: prefix + under, token }, signal),
      );
      for (const { Key, Size } of page.objects) {
        const key = Key.slice(prefix.length);
        // Some tools create empty objects named like folders.
        if (key !== '' && !key.endsWith('/') && !key.startsWith(`${RESERVED_SEGMENT}/`))
          yield { key, bytes: Size };
      }
      token = page.token;
    } while (token !== undefined);
  }

  return {
    uri: `s3://${bucket}/${prefix}`.replace(/\/$/, ''),
    endpoint,
    atomicPutIfAbsent: atomic,
    put: (key, body, signal) =>
      attempt('put', key, () =>
        bodyBytes(body) > MULTIPART_BYTES
          ? putInParts(key, body, signal)
          : putWhole(key, wholeBody(body), false, signal),
      ),
    putIfAbsent: (key, body, signal) =>
      attempt('put-if-absent', key, () =>
        atomic ? putIfAbsentAtomic(key, body, signal) : putIfAbsentByLooking(key, body, signal),
      ),
    get,
    head,
    list,
    delete: (key, signal) =>
      attempt(
        'delete',
        key,
        async () => void (await client.send(new DeleteObjectCommand(target(key)), sendOptions(signal))),
      ),
    close: async () => client.destroy(),
  };
}

function equalBytes(found: Uint8Array | undefined, expected: Uint8Array): boolean {
  return found !== undefined && Buffer.compare(found, expected) === 0;
}

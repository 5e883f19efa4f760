/**
 * Where a run's files live. A folder and an S3 bucket both implement it; nothing else in posecast knows which
 * one it is. Keys are '/'-separated, relative to the store's root, never empty, never containing '..'.
 */
import type { ObjectBody } from './objectBody.ts';

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
}

/** Larger objects are read in ranges only, in bytes: Node reads no more of a file into one buffer. */
export const MAX_WHOLE_BYTES = 2 ** 31 - 1;

export interface ObjectStore {
  /** For people and messages: an absolute folder, or s3://bucket/prefix. Never holds credentials. */
  readonly uri: string;
  /** URL of the S3 service; undefined: AWS, or a folder. */
  readonly endpoint?: string | undefined;
  /** Whether `putIfAbsent` is atomic here. False: a store that ignores If-None-Match (the weaker guarantee). */
  readonly atomicPutIfAbsent: boolean;
  /** Writes or replaces an object; readers see the whole old or the whole new object. */
  put(key: string, body: ObjectBody, signal?: AbortSignal): Promise<void>;
  /** Writes an object only if the key is free. Exactly one of several callers gets `true`. For small objects. */
  putIfAbsent(key: string, body: Uint8Array, signal?: AbortSignal): Promise<boolean>;
  /**
   * The object, or a range of it [start, end); undefined when the key is absent.
   * @throws IntegrityError, too-large, of a whole object of more than MAX_WHOLE_BYTES.
   */
  get(
    key: string,
    range?: { start: number; end: number },
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined>;
  /** Size, or undefined when the key is absent. */
  head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>;
  /** Every object under a prefix such as 'commits/', in key order. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>;
  /** Removes an object; absent is fine. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  /** Releases sockets. */
  close(): Promise<void>;
}

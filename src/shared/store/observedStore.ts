/** A store that tells of every request: which, how it ended, how long it took, how many bytes went either way. */
import { PosecastError, toError } from '../errors.ts';
import { bodyBytes } from './objectBody.ts';
import type { ObjectInfo, ObjectStore } from './objectStore.ts';

const STORE_OPERATIONS = ['put', 'put-if-absent', 'get', 'head', 'list', 'delete'] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

export interface StoreRequest {
  readonly operation: StoreOperation;
  /** 'ok', 'aborted', the code of the error, or 'error'. */
  readonly code: string;
  /** From asking to the answer, repetitions included, in milliseconds. */
  readonly ms: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** One repetition of a request that failed in a way that may pass. */
export interface StoreRetry {
  readonly operation: StoreOperation;
  /** What came instead of an answer: an HTTP status, or the code of a broken connection. */
  readonly code: string;
}

/** Who hears of requests; must return at once. */
export interface RequestListeners {
  /** Of every request when it has ended. */
  readonly onRequest?: (request: StoreRequest) => void;
  /** Of every repetition of a request that failed. */
  readonly onRetry?: (retry: StoreRetry) => void;
}

/** What is told of an answer beside that it came. */
export interface AnswerFacts<T> {
  /** What the request is broken off by. */
  readonly signal?: AbortSignal | undefined;
  readonly sentBytes?: number;
  readonly receivedBytes?: (answer: T) => number;
  /** Default: 'ok'. */
  readonly code?: (answer: T) => string;
}

/** The answer of a request, which is told of when it has ended. */
export async function observedRequest<T>(
  hear: (request: StoreRequest) => void,
  operation: StoreOperation,
  request: Promise<T>,
  facts: AnswerFacts<T> = {},
): Promise<T> {
  const startedAt = performance.now();
  let code = 'ok';
  let receivedBytes = 0;
  try {
    const answer = await request;
    receivedBytes = facts.receivedBytes?.(answer) ?? 0;
    code = facts.code?.(answer) ?? code;
    return answer;
  } catch (error) {
    code = codeOf(error, facts.signal);
    throw error;
  } finally {
    const sentBytes = code === 'ok' ? (facts.sentBytes ?? 0) : 0;
    hear({ operation, code, ms: performance.now() - startedAt, sentBytes, receivedBytes });
  }
}

/** The same store; `hear` must return at once. */
export function observedStore(store: ObjectStore, hear: (request: StoreRequest) => void): ObjectStore {
  const heard = <T>(operation: StoreOperation, request: Promise<T>, facts?: AnswerFacts<T>): Promise<T> =>
    observedRequest(hear, operation, request, facts);
  return {
    uri: store.uri,
    endpoint: store.endpoint,
    atomicPutIfAbsent: store.atomicPutIfAbsent,
    put: (key, body, signal) =>
      heard('put', store.put(key, body, signal), { sentBytes: bodyBytes(body), signal }),
    putIfAbsent: (key, body, signal) =>
      heard('put-if-absent', store.putIfAbsent(key, body, signal), { sentBytes: body.length, signal }),
    get: (key, range, signal) =>
      heard('get', store.get(key, range, signal), { receivedBytes: (found) => found?.length ?? 0, signal }),
    head: (key, signal) => heard('head', store.head(key, signal), { signal }),
    list: (prefix, signal) => heardList(store.list(prefix, signal), hear, signal),
    delete: (key, signal) => heard('delete', store.delete(key, signal), { signal }),
    close: () => store.close(),
  };
}

/** The time is what the store took, without what its reader did between two entries. */
async function* heardList(
  entries: AsyncIterable<ObjectInfo>,
  hear: (request: StoreRequest) => void,
  signal: AbortSignal | undefined,
): AsyncIterable<ObjectInfo> {
  const iterator = entries[Symbol.asyncIterator]();
  let ms = 0;
  let code = 'ok';
  try {
    while (true) {
      const askedAt = performance.now();
      const next = await iterator.next().finally(() => {
        ms += performance.now() - askedAt;
      });
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    code = codeOf(error, signal);
    throw error;
  } finally {
    await iterator.return?.();
    hear({ operation: 'list', code, ms, sentBytes: 0, receivedBytes: 0 });
  }
}

/** A signal may be aborted with an error of any name, which is then what the request ends with. */
function codeOf(thrown: unknown, signal: AbortSignal | undefined): string {
  const error = toError(thrown);
  if (signal?.aborted || error.name === 'AbortError') return 'aborted';
  if (error instanceof PosecastError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? 'error';
}

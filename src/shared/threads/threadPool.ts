/**
 * A fixed number of worker threads that all run the same file. Requests wait in one queue, the lowest turn first, and
 * go to the first free thread, each thread holding at most `depth` of them, so that its next input is already there
 * when it finishes one.
 */
import { type MessagePort, type Transferable, Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { type ErrorFacts, PosecastError, ThreadDiedError } from '../errors.ts';
import { usableCores } from '../machine/cores.ts';
import { CLOSE_THREAD, type ThreadInit, type ThreadReply } from './protocol.ts';
import { errorOfFailure } from './threadFailure.ts';

export interface ThreadPool<Request, Response> {
  readonly size: number;
  /** Resolves when a thread dies; then everything asked is rejected with it. */
  readonly death: Promise<ThreadDiedError>;
  /**
   * Resolves with the thread's answer; rejects with its error, or when the thread dies. Of the requests that wait,
   * those with the lowest `turn` (0 where none is given) go first, in the order in which they came.
   */
  run(request: Request, transfer?: readonly Transferable[], turn?: number): Promise<Response>;
  /** Stops the threads when each has finished the requests it holds. Pending requests are rejected at once. */
  close(): Promise<void>;
}

export interface ThreadPoolOptions {
  /** Of its threads, for whoever reads that one died. */
  readonly name: string;
  /** The compiled thread file. */
  readonly file: URL;
  readonly size: number;
  /** Cloned into every thread. */
  readonly init: unknown;
  /** For every thread its own, handed over to it: lines to somebody else. */
  readonly ports?: readonly (readonly MessagePort[])[];
  /** Requests a thread holds at once (1 running, the rest ready). */
  readonly depth?: number;
  /** While the pool opens: no further thread is started once it is aborted. Later it means nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** The longest a thread may take to finish what it holds, in milliseconds. */
const STOP_MS = 30_000;

interface PendingRequest<Response> {
  readonly id: number;
  readonly turn: number;
  readonly request: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

interface PoolThread<Response> {
  readonly worker: Worker;
  readonly held: Map<number, PendingRequest<Response>>;
}

/**
 * Starts the threads and waits until every one of them is open; the first failure closes all. As many open at a time as
 * there are cores: a thread cannot be stopped while it opens, and of many that share the cores each takes as long as all.
 * Rejects with the signal's reason when called off.
 */
export async function openThreadPool<Request, Response>(
  options: ThreadPoolOptions,
): Promise<ThreadPool<Request, Response>> {
  const depth = options.depth ?? 2;
  const waiting: PendingRequest<Response>[] = [];
  const threads: PoolThread<Response>[] = [];
  let nextId = 1;
  let broken: Error | undefined;
  let sayDeath = (_: ThreadDiedError): void => {};
  const death = new Promise<ThreadDiedError>((resolve) => {
    sayDeath = resolve;
  });

  function dispatch(): void {
    while (waiting.length > 0) {
      const free = threads.reduce((a, b) => (b.held.size < a.held.size ? b : a));
      if (free.held.size >= depth) return;
      const pending = waiting.shift() as PendingRequest<Response>;
      free.held.set(pending.id, pending);
      free.worker.postMessage({ id: pending.id, request: pending.request }, [...pending.transfer]);
    }
  }

  function breakPool(error: Error): void {
    broken ??= error;
    for (const pending of waiting.splice(0)) pending.reject(error);
    for (const thread of threads) {
      for (const pending of thread.held.values()) pending.reject(error);
      thread.held.clear();
    }
  }

  async function startThread(ports: readonly MessagePort[]): Promise<void> {
    const workerData: ThreadInit = { init: options.init, ports };
    const worker = new Worker(options.file, { workerData, transferList: [...ports] });
    const thread: PoolThread<Response> = { worker, held: new Map() };
    const number = threads.push(thread);
    const died = (facts: ErrorFacts, cause?: unknown): ThreadDiedError => {
      const error = new ThreadDiedError(
        'thread-died',
        `${options.name} thread: expected it to live until it is closed, found it dead`,
        { thread: number, ...facts },
        cause,
      );
      if (broken === undefined) sayDeath(error);
      breakPool(error);
      return error;
    };
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (reply: ThreadReply) => {
        if (reply.id === 0) {
          if (reply.status === 'ok') resolve();
          else reject(errorOfFailure(reply.failure));
          return;
        }
        const pending = thread.held.get(reply.id);
        thread.held.delete(reply.id);
        if (reply.status === 'ok') pending?.resolve(reply.response as Response);
        else pending?.reject(errorOfFailure(reply.failure));
        dispatch();
      });
      worker.on('error', (error) => reject(died({}, error)));
      worker.on('exit', (exitCode) => reject(died({ exitCode })));
    });
  }

  async function close(): Promise<void> {
    breakPool(new PosecastError('pool-closed', 'the thread pool was closed'));
    await Promise.all(threads.map(({ worker }) => stopThread(worker)));
  }

  const opening = pLimit(usableCores());
  try {
    await opening.map(Array.from({ length: options.size }), async (_, i) => {
      options.signal?.throwIfAborted();
      // Another one did not open.
      if (broken !== undefined) throw broken;
      await startThread(options.ports?.[i] ?? []).catch((error: Error) => {
        breakPool(error);
        throw error;
      });
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    size: options.size,
    death,
    run(request, transfer = [], turn = 0) {
      if (broken !== undefined) return Promise.reject(broken);
      return new Promise<Response>((resolve, reject) => {
        const behind = waiting.findLastIndex((pending) => pending.turn <= turn);
        waiting.splice(behind + 1, 0, { id: nextId++, turn, request, transfer, resolve, reject });
        dispatch();
      });
    },
    close,
  };
}

/**
 * Native code that is interrupted in a thread takes the whole process down, so a thread is asked to end and only
 * stopped when it does not.
 */
async function stopThread(worker: Worker): Promise<void> {
  // −1: it has ended already.
  if (worker.threadId === -1) return;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.postMessage(CLOSE_THREAD);
  const timer = setTimeout(() => void worker.terminate(), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** What travels between a thread pool and its threads. */
import type { MessagePort } from 'node:worker_threads';

/** What a thread starts with. */
export interface ThreadInit {
  readonly init: unknown;
  readonly ports: readonly MessagePort[];
}

export interface ThreadRequest {
  readonly id: number;
  readonly request: unknown;
}

/** Finish the requests you hold, and end. */
export const CLOSE_THREAD = 'close';

export type ThreadMessage = ThreadRequest | typeof CLOSE_THREAD;

export interface ThreadFailure {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** The first message of a thread has id 0: it is open, or could not be opened. */
export type ThreadReply =
  | { readonly id: number; readonly status: 'ok'; readonly response: unknown }
  | { readonly id: number; readonly status: 'failed'; readonly failure: ThreadFailure };

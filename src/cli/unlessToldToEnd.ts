import { unlessAborted } from '../shared/async/unlessAborted.ts';

/** Undefined when the process is told to end first: a Redis that is away answers when it is back, if ever. */
export async function unlessToldToEnd<T>(work: Promise<T>, toldToEnd: AbortSignal): Promise<T | undefined> {
  try {
    return await unlessAborted(work, toldToEnd);
  } catch (error) {
    if (toldToEnd.aborted) return undefined;
    throw error;
  }
}

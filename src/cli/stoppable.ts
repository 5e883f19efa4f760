/** The work of a command that a signal may stop: what it opens is put away before the command ends, however it ends. */
import { createReleasers, type Releasers } from '../shared/async/releasers.ts';
import { Interrupted } from './exit.ts';
import { openStopSignal } from './signals.ts';

export interface StoppableOptions {
  /** What a stopped command says of what is left; a function is asked once it is stopped. */
  readonly stopped: string | (() => string);
  /** Hears the first signal; the second ends the process at once. */
  readonly onStop?: (name: NodeJS.Signals) => void;
  /** Takes away what is shown while the work goes on, before an error is. */
  readonly onError?: () => void;
}

/**
 * Does the work. Signals are caught until the last release: the first aborts `signal`, the second ends the process.
 *
 * @throws Interrupted in place of any error that comes after a signal; work that is complete all the same counts.
 */
export async function stoppable<T>(
  { stopped, onStop, onError }: StoppableOptions,
  work: (signal: AbortSignal, releasers: Releasers) => Promise<T>,
): Promise<T> {
  const releasers = createReleasers();
  const stop = openStopSignal((name) => onStop?.(name));
  try {
    return await work(stop.signal, releasers);
  } catch (error) {
    onError?.();
    if (stop.signal.aborted) throw new Interrupted(typeof stopped === 'string' ? stopped : stopped());
    throw error;
  } finally {
    await releasers.release();
    stop.close();
  }
}

/**
 * Ctrl-C and SIGTERM as AbortSignals: the first asks for a clean stop, the second ends the process at once. A worker may
 * take SIGTERM as the notice of an orchestrator or a spot market, which leaves it time; Ctrl-C is a person who waits.
 */
import { EXIT } from './exit.ts';

export interface StopSignal {
  /** Hand back and end. */
  readonly signal: AbortSignal;
  /** Finish what can be finished and end; only with `onNotice`. */
  readonly notice: AbortSignal;
  /** Gives the signals back to Node. */
  close(): void;
}

/** With `onNotice`, SIGTERM is a notice; without it, it stops like Ctrl-C. */
export function openStopSignal(onStop: (name: NodeJS.Signals) => void, onNotice?: () => void): StopSignal {
  const stopping = new AbortController();
  const noticed = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (stopping.signal.aborted || noticed.signal.aborted) process.exit(EXIT.interrupted);
    if (name === 'SIGTERM' && onNotice !== undefined) {
      onNotice();
      noticed.abort(new Error('told to end by SIGTERM'));
      return;
    }
    onStop(name);
    stopping.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: stopping.signal,
    notice: noticed.signal,
    close() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

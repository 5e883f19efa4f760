/** Ctrl-C and SIGTERM as an AbortSignal: the first asks for a clean stop, the second ends the process at once. */
import { EXIT } from './exit.ts';

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  close(): void;
}

export function openStopSignal(onFirst: (name: NodeJS.Signals) => void): StopSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    onFirst(name);
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    close() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

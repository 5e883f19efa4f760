/**
 * Ctrl-C, SIGTERM and SIGHUP (the terminal is gone) as AbortSignals: the first asks for a clean stop, the second ends
 * the process at once. A worker may take SIGTERM and SIGHUP as the notice of an orchestrator or a spot market, which
 * leaves it time; Ctrl-C is a person who waits.
 */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { EXIT } from './exit.ts';

export interface StopSignal {
  /** Hand back and end. */
  readonly signal: AbortSignal;
  /** Finish what can be finished and end; only with `onNotice`. */
  readonly notice: AbortSignal;
  /** Gives the signals back to Node. */
  close(): void;
}

/** With `onNotice`, SIGTERM and SIGHUP are a notice; without it, they stop like Ctrl-C. */
export function openStopSignal(
  onStop: (name: NodeJS.Signals) => void,
  onNotice?: (name: NodeJS.Signals) => void,
): StopSignal {
  const stopping = new AbortController();
  const noticed = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (stopping.signal.aborted || noticed.signal.aborted) process.exit(EXIT.interrupted);
    if (name !== 'SIGINT' && onNotice !== undefined) {
      onNotice(name);
      noticed.abort(new Error(`told to end by ${name}`));
      return;
    }
    onStop(name);
    stopping.abort(new Error(`stopped by ${name}`));
  };
  const hangUp = (name: NodeJS.Signals) => {
    // Shell and system both send it when a terminal goes: nobody asks twice by it.
    if (!stopping.signal.aborted && !noticed.signal.aborted) stop(name);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (!detached) process.on('SIGHUP', hangUp);
  return {
    signal: stopping.signal,
    notice: noticed.signal,
    close() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      process.off('SIGHUP', hangUp);
    },
  };
}

/**
 * No signal ends the process by itself until the answer is called: for the moments between two that listen to them.
 */
export function holdSignals(): () => void {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const ignore = () => undefined;
  for (const name of names) process.on(name, ignore);
  return () => {
    for (const name of names) process.off(name, ignore);
  };
}

/** Keeps a process that is detached from its terminal when the terminal goes, whatever the command does. */
export function outliveTerminal(): void {
  if (detached) process.on('SIGHUP', () => undefined);
}

/**
 * The process has a terminal and neither reads nor writes it, as nohup leaves one. That nohup had SIGHUP ignored cannot
 * be seen: Node takes that back before any of our code runs. Looked at once, since later the terminal may be gone.
 */
const detached = ![0, 1, 2].some((fd) => isatty(fd)) && hasTerminal();

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

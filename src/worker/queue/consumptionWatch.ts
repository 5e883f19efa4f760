/**
 * Notices that a worker does not consume although it should: it asks Redis for no job and no shard makes progress. What
 * stops it then is unknown (a loop that broke, a native call that never comes back, a driver that hangs), so the
 * process says so and ends, for whoever started it to start it again.
 */
import { writeFile } from 'node:fs/promises';
import { ConfigError, describeError } from '../../shared/errors.ts';

export interface ConsumptionWatchOptions {
  /** By `performance.now()`: when Redis last answered the question for a job, or a shard last made progress. */
  readonly consumedAt: () => number;
  /**
   * Why nothing is to be expected now, if there is a reason. 'paused' is a healthy state that may last for days; a
   * Redis that refuses, or a Redis or a store that is known to be away, is waited for, because a new process could do
   * nothing else.
   */
  readonly excuse: () => 'paused' | 'no-redis' | 'no-store' | undefined;
  /** From the last sign of consumption to `onStuck`; at least one look has to find quiet. */
  readonly limitMs: number;
  /** Called once. */
  readonly onStuck: (quietMs: number) => void;
  /** Hears of every sign of consumption, and of a pause, at most once a look. */
  readonly onAlive?: () => void;
  /** Only for tests. */
  readonly lookMs?: number;
}

export interface ConsumptionWatch {
  close(): void;
}

const LOOK_MS = 5_000;

export function openConsumptionWatch(options: ConsumptionWatchOptions): ConsumptionWatch {
  const { consumedAt, excuse, limitMs, onStuck, onAlive, lookMs = LOOK_MS } = options;
  let seen = consumedAt();
  // Looks are counted, not the clock: a process that was stopped, or a machine that slept, is not stuck.
  let quietLooks = 0;
  onAlive?.();
  const timer = setInterval(() => {
    const found = consumedAt();
    const reason = excuse();
    if (found > seen || reason === 'paused') onAlive?.();
    quietLooks = found > seen || reason !== undefined ? 0 : quietLooks + 1;
    seen = found;
    if (quietLooks === 0 || quietLooks * lookMs < limitMs) return;
    clearInterval(timer);
    onStuck(quietLooks * lookMs);
  }, lookMs);
  return { close: () => clearInterval(timer) };
}

/**
 * A file that is written anew whenever the worker is seen to consume, for an orchestrator that looks at its age.
 * @throws ConfigError when it cannot be written.
 */
export async function openLivenessFile(path: string, warn: (line: string) => void): Promise<() => void> {
  const touch = () => writeFile(path, `${new Date().toISOString()}\n`);
  try {
    await touch();
  } catch (error) {
    throw new ConfigError(
      'no-liveness-file',
      '--liveness-file: expected a file that can be written',
      { path },
      error,
    );
  }
  let failed = false;
  return () =>
    void touch().catch((error: unknown) => {
      if (!failed) warn(`--liveness-file cannot be written any more: ${describeError(error)}`);
      failed = true;
    });
}

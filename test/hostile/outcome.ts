/** What a reader may do with a hostile file: take it, or refuse it in one clear line. Nothing else. */
import assert from 'node:assert/strict';
import { PosecastError } from '../../src/shared/errors.ts';
import { MAX_MESSAGE } from '../../src/shared/text/printable.ts';

/**
 * Longest time for one case, in milliseconds: of a processor, because a busy machine makes any case slow by the clock,
 * and by the clock for one that hangs without working.
 */
export const BUSY_MS = 10_000;
export const HANG_MS = 60_000;

/** Runs a reader; its value, or undefined when it refused. Fails when it threw anything but a PosecastError. */
export async function readOrRefuse<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  const measure = startMeasure();
  try {
    return await read();
  } catch (error) {
    assertClear(error);
    return undefined;
  } finally {
    const { busyMs, elapsedMs } = measure();
    assert.ok(busyMs < BUSY_MS, `kept a processor busy for ${Math.round(busyMs)} ms`);
    assert.ok(elapsedMs < HANG_MS, `took ${Math.round(elapsedMs)} ms`);
  }
}

/** From now on: processor time of this process with all its threads, and time by the clock, in milliseconds. */
export function startMeasure(): () => { busyMs: number; elapsedMs: number } {
  const started = performance.now();
  const used = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(used);
    return { busyMs: (user + system) / 1000, elapsedMs: performance.now() - started };
  };
}

/** One line of a PosecastError, without control characters, that fits a log. */
export function assertClear(error: unknown): void {
  assert.ok(error instanceof PosecastError, `expected a PosecastError, found ${show(error)}`);
  assert.ok(error.message.length <= MAX_MESSAGE + 40, `message of ${error.message.length} characters`);
  assert.doesNotMatch(error.message, /\p{Cc}/u);
  assert.ok(error.message.length > 10, 'the message says something');
}

function show(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What a reader may do with a hostile file: take it, or refuse it in one clear line. Nothing else. */
import assert from 'node:assert/strict';
import { PosecastError } from '../../src/shared/errors.ts';
import { MAX_MESSAGE } from '../../src/shared/text/printable.ts';

/** Longest time for one case, in milliseconds. */
export const HANG_MS = 10_000;

/** Runs a reader; its value, or undefined when it refused. Fails when it threw anything but a PosecastError. */
export async function readOrRefuse<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  const started = performance.now();
  try {
    return await read();
  } catch (error) {
    assertClear(error);
    return undefined;
  } finally {
    assert.ok(performance.now() - started < HANG_MS, 'took longer than 10 s');
  }
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

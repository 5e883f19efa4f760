/** The run of an OUT, for whoever asks for it: whichever it is, or one that was named by its id. */
import { ConfigError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { type RunFile, requireRunFile } from './runFile.ts';

/**
 * The run that OUT holds.
 * @param runId the one that it has to be; undefined: whichever it is.
 * @throws ConfigError when OUT holds none, or another: it was deleted and used again since.
 */
export async function requireRun(store: ObjectStore, runId: string | undefined): Promise<RunFile> {
  const run = await requireRunFile(store);
  if (runId === undefined || run.runId === runId) return run;
  throw otherThanNamed(store, runId, run.runId);
}

/** @param expected run id; `found` too. */
export function otherThanNamed(store: ObjectStore, expected: string, found: string): ConfigError {
  return new ConfigError(
    'other-run',
    `OUT: expected run ${expected}, found another; to have Redis forget the first: posecast forget ${expected}`,
    { out: store.uri, found },
  );
}

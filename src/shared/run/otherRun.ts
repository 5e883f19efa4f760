/** The error for an OUT that holds another run by now: it was deleted, moved or planned anew since. */
import type { ConfigError, IntegrityError, PosecastError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';

/**
 * @param Kind ConfigError where somebody asks for the run, IntegrityError where it is worked on or watched already.
 * @param expected run id; `found` too.
 */
export function otherRun(
  Kind: typeof ConfigError | typeof IntegrityError,
  store: ObjectStore,
  expected: string,
  found: string,
): PosecastError {
  return new Kind('other-run', 'OUT holds another run by now', { out: store.uri, expected, found });
}

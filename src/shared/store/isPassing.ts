/** Whether a store's failure may pass by itself. */
import { PosecastError } from '../errors.ts';

const PASSING = ['unreachable', 's3-unusable', 's3-failed'];

/** A store that is away or throttles may answer later; what it refuses has to be put right by somebody. */
export function isPassing(error: unknown): error is PosecastError {
  if (!(error instanceof PosecastError) || !PASSING.includes(error.code)) return false;
  const { status } = error.facts;
  return typeof status !== 'number' || status === 429 || status >= 500;
}

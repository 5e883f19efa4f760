/**
 * Redis's own answer that it will not: out of memory, a full disk under its append-only file, loading. Not its absence.
 */

export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Runs as a user without rights of its own: root may read everything. */
const NOBODY = 65_534;

export async function asOrdinaryUser<T>(body: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return body();
  process.seteuid?.(NOBODY);
  try {
    return await body();
  } finally {
    process.seteuid?.(0);
  }
}

/**
 * What a process has opened, released last in, first out, once. Push in the line after opening:
 *
 *     const store = await openStore(uri);
 *     releasers.push('store', () => store.close());
 *
 * or both at once, where what is opened has a `close`:
 *
 *     const store = await releasers.keep('store', openStore(uri));
 */
export interface Releasers {
  push(name: string, release: () => Promise<void> | void): void;
  /** What `opening` opens, to be closed with the rest; nothing is kept of an opening that fails. */
  keep<T extends { close(): Promise<void> | void }>(name: string, opening: Promise<T>): Promise<T>;
  /** Releases everything; every release is tried, several failures become one AggregateError. */
  release(): Promise<void>;
}

export function createReleasers(): Releasers {
  const stack: { name: string; release: () => Promise<void> | void }[] = [];
  return {
    push(name, release) {
      stack.push({ name, release });
    },
    async keep(name, opening) {
      const opened = await opening;
      stack.push({ name, release: () => opened.close() });
      return opened;
    },
    async release() {
      const failures: unknown[] = [];
      for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
        try {
          await entry.release();
        } catch (error) {
          failures.push(new Error(`cannot release ${entry.name}`, { cause: error }));
        }
      }
      if (failures.length === 1) throw failures[0];
      if (failures.length > 1) throw new AggregateError(failures, 'cannot release several resources');
    },
  };
}

/**
 * What a process has opened, released last in, first out, once. Push in the line after opening:
 *
 *     const store = await openStore(uri);
 *     releasers.push('store', () => store.close());
 */
export interface Releasers {
  push(name: string, release: () => Promise<void> | void): void;
  /** Releases everything; every release is tried, several failures become one AggregateError. */
  release(): Promise<void>;
}

export function createReleasers(): Releasers {
  const stack: { name: string; release: () => Promise<void> | void }[] = [];
  return {
    push(name, release) {
      stack.push({ name, release });
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

/** The last few results that were asked for; two that ask at once share one. */
export interface Recent<Value> {
  get(key: string, make: () => Promise<Value>): Promise<Value>;
}

/**
 * @param limit results kept; @param weight of a result, with `limit` as the most that all of them may weigh;
 * @param lasts whether a result is still true when it is asked for again.
 */
export function keepRecent<Value>(
  limit: number,
  weight: (value: Value) => number = () => 1,
  lasts: (value: Value) => boolean = () => true,
): Recent<Value> {
  const kept = new Map<string, { readonly value: Promise<Value>; weight: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  };
  return {
    get(key, make) {
      const before = kept.get(key);
      if (before !== undefined) {
        kept.delete(key);
        kept.set(key, before);
        return before.value;
      }
      const entry = { value: make(), weight: 0 };
      kept.set(key, entry);
      entry.value.then(
        (value) => {
          if (kept.get(key) !== entry) return;
          if (!lasts(value)) return drop(key);
          entry.weight = weight(value);
          total += entry.weight;
          for (const oldest of kept.keys()) {
            if (total <= limit || oldest === key) break;
            drop(oldest);
          }
        },
        // The next one who asks tries again.
        () => {
          if (kept.get(key) === entry) drop(key);
        },
      );
      return entry.value;
    },
  };
}

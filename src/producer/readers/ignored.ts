/** What a reader passed over, by reason, so that nothing in a corpus disappears without a word. */

/** Entries kept by name for each reason; the rest are only counted. */
const EXAMPLES = 5;

export interface IgnoredReason {
  readonly count: number;
  /** Paths relative to the corpus, the first few. */
  readonly examples: readonly string[];
}

export interface IgnoredEntries {
  add(reason: string, entry: string): void;
  /** What others counted, after what is here. */
  addAll(others: IgnoredEntries): void;
  /** Reasons in the order they were first met. */
  reasons(): ReadonlyMap<string, IgnoredReason>;
}

export function createIgnoredEntries(): IgnoredEntries {
  const reasons = new Map<string, { count: number; examples: string[] }>();
  const count = (reason: string, more: IgnoredReason): void => {
    const known = reasons.get(reason) ?? { count: 0, examples: [] };
    known.count += more.count;
    known.examples.push(...more.examples.slice(0, EXAMPLES - known.examples.length));
    reasons.set(reason, known);
  };
  return {
    add: (reason, entry) => count(reason, { count: 1, examples: [entry] }),
    addAll(others) {
      for (const [reason, found] of others.reasons()) count(reason, found);
    },
    reasons: () => reasons,
  };
}

/** One line a reason: `3 ignored: not an image (a/notes.txt, b/Thumbs.db, …)`. */
export function describeIgnored(ignored: IgnoredEntries): string[] {
  return [...ignored.reasons()].map(([reason, { count, examples }]) => {
    const more = count > examples.length ? ', …' : '';
    return `${count} ignored: ${reason} (${examples.join(', ')}${more})`;
  });
}

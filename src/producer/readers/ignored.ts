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
  /** Reasons in the order they were first met. */
  reasons(): ReadonlyMap<string, IgnoredReason>;
}

export function createIgnoredEntries(): IgnoredEntries {
  const reasons = new Map<string, { count: number; examples: string[] }>();
  return {
    add(reason, entry) {
      const known = reasons.get(reason) ?? { count: 0, examples: [] };
      known.count++;
      if (known.examples.length < EXAMPLES) known.examples.push(entry);
      reasons.set(reason, known);
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

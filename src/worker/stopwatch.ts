/** Where a shard's time went. Waits overlap, so the stages add up to more than the shard took. */
export interface Stopwatch {
  time<T>(stage: string, work: () => Promise<T>): Promise<T>;
  /** Milliseconds by stage so far, and `total` since opening. */
  totals(): Record<string, number>;
}

export function openStopwatch(): Stopwatch {
  const start = performance.now();
  const byStage = new Map<string, number>();
  return {
    async time(stage, work) {
      const begin = performance.now();
      try {
        return await work();
      } finally {
        byStage.set(stage, (byStage.get(stage) ?? 0) + performance.now() - begin);
      }
    },
    totals() {
      const entries = [...byStage, ['total', performance.now() - start] as const];
      return Object.fromEntries(entries.map(([stage, ms]) => [stage, Math.round(ms)]));
    },
  };
}

/** Where a shard's time went. Waits overlap, so the stages add up to more than the shard took. */
export interface Stopwatch {
  time<T>(stage: string, work: () => Promise<T>): Promise<T>;
  /** Time that was measured elsewhere: in a thread. */
  add(stage: string, ms: number): void;
  /** Milliseconds by stage so far. */
  measured(): Record<string, number>;
  /** The same, rounded, and `total` since opening. */
  totals(): Record<string, number>;
  /** When each timed stage began first and ended last; a stage that is under way has not ended. */
  spans(): StageSpan[];
}

export interface StageSpan {
  readonly stage: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Summed over the times that overlap. */
  readonly ms: number;
  readonly times: number;
}

/** `hear` is told of each time as it ends; it must return at once. */
export function openStopwatch(hear: (stage: string, ms: number) => void = () => {}): Stopwatch {
  const start = performance.now();
  const byStage = new Map<string, number>();
  const spans = new Map<string, StageSpan>();

  function add(stage: string, ms: number): void {
    byStage.set(stage, (byStage.get(stage) ?? 0) + ms);
    hear(stage, ms);
  }

  return {
    async time(stage, work) {
      const begin = performance.now();
      try {
        return await work();
      } finally {
        const end = performance.now();
        const { startedAt, ms, times } = spans.get(stage) ?? { startedAt: begin, ms: 0, times: 0 };
        spans.set(stage, {
          stage,
          startedAt: Math.min(startedAt, begin),
          endedAt: end,
          ms: ms + end - begin,
          times: times + 1,
        });
        add(stage, end - begin);
      }
    },
    add,
    measured: () => Object.fromEntries(byStage),
    totals() {
      const entries = [...byStage, ['total', performance.now() - start] as const];
      return Object.fromEntries(entries.map(([stage, ms]) => [stage, Math.round(ms)]));
    },
    spans() {
      const { timeOrigin } = performance;
      return [...spans.values()].map((span) => ({
        ...span,
        startedAt: timeOrigin + span.startedAt,
        endedAt: timeOrigin + span.endedAt,
      }));
    },
  };
}

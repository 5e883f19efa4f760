/** Measures how fast a stage is, at the best of several batches. */

export interface StageRate {
  readonly stage: string;
  /** Photographs, faces, variants or rows of the table a second on one thread. */
  readonly perSecond: number;
  readonly unit: 'faces' | 'variants' | 'rows';
  /**
   * Seconds of a core that an item takes, those of other threads included: garbage is collected, and photographs are
   * decoded, beside the thread that waits for it. Never less than the time that passes.
   */
  readonly coreSeconds: number;
  /** Items the stage got at a time when it was fastest. */
  readonly batch: number;
}

export interface StageMeter {
  /** Measures `work` on the items in batches of each size and answers its results. */
  measure<T, R>(
    stage: string,
    items: readonly T[],
    unit: StageRate['unit'],
    sizes: readonly number[],
    work: (batch: readonly T[]) => Promise<readonly R[]>,
  ): Promise<R[]>;
  /** Of every stage that was measured, in that order. */
  rates(): StageRate[];
}

/** @param secondsPerStage each stage is repeated for this long, its batches taken together. */
export function openStageMeter(secondsPerStage: number): StageMeter {
  const rates: StageRate[] = [];
  return {
    async measure<T, R>(
      stage: string,
      items: readonly T[],
      unit: StageRate['unit'],
      sizes: readonly number[],
      work: (batch: readonly T[]) => Promise<readonly R[]>,
    ): Promise<R[]> {
      let results: R[] = [];
      let best: StageRate = { stage, unit, perSecond: 0, coreSeconds: 0, batch: 0 };
      for (const size of sizes) {
        const pass = async (): Promise<void> => {
          results = [];
          for (let start = 0; start < items.length; start += size) {
            results.push(...(await work(items.slice(start, start + size))));
          }
        };
        // The first pass warms caches up and is not counted.
        await pass();
        const start = performance.now();
        const used = process.cpuUsage();
        let passes = 0;
        do {
          await pass();
          passes++;
        } while (performance.now() - start < (secondsPerStage * 1000) / sizes.length);
        const seconds = (performance.now() - start) / 1000;
        const { user, system } = process.cpuUsage(used);
        const done = passes * items.length;
        const perSecond = done / seconds;
        if (perSecond > best.perSecond) {
          const coreSeconds = Math.max(seconds, (user + system) / 1e6) / done;
          best = { ...best, perSecond, coreSeconds, batch: Math.min(size, items.length) };
        }
      }
      rates.push(best);
      return results;
    },
    rates: () => [...rates],
  };
}

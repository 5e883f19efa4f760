/**
 * How many faces at a time are fastest here: tried out on one photograph when the models are open, so that the first
 * shard already runs at full rate. Batches grow until they bring little or memory ends.
 */
import { describeError, toError } from '../../shared/errors.ts';
import { usableMemory } from '../../shared/machine/memory.ts';
import type { ModelPool } from '../threads/modelPool.ts';

export interface BatchRate {
  readonly batch: number;
  readonly facesPerSecond: number;
}

export interface BatchProbe {
  /** The fastest. */
  readonly batch: number;
  readonly rates: readonly BatchRate[];
  /** Why no larger batch was tried. */
  readonly ended: string;
}

export interface ProbeOptions {
  /** Batches to try, growing. */
  readonly sizes?: readonly number[];
  /** Resident bytes that the process may reach. */
  readonly memoryLimit?: number;
  /** Milliseconds; an argument so that tests own the time. */
  readonly clock?: () => number;
}

const SIZES = [8, 16, 32, 64, 128, 256];
/** A larger batch must be faster by this factor to be worth its memory. */
const WORTH_WHILE = 1.05;
/** Share of the machine's, or the container's, memory. */
const MEMORY_SHARE = 0.8;

/**
 * @throws the models' own error when even the smallest batch fails.
 */
export async function probeBatch(
  models: Pick<ModelPool, 'processFaces' | 'threads'>,
  photograph: Uint8Array,
  options: ProbeOptions = {},
): Promise<BatchProbe> {
  const { sizes = SIZES, memoryLimit = MEMORY_SHARE * usableMemory() } = options;
  const clock = options.clock ?? (() => performance.now());
  const rates: BatchRate[] = [];
  let best: BatchRate | undefined;
  const end = (ended: string): BatchProbe => ({ batch: best!.batch, rates, ended });
  for (const batch of sizes) {
    try {
      // The first time a network meets a batch it plans its memory, and on a GPU compiles kernels.
      await runBatches(batch);
      const start = clock();
      await runBatches(batch);
      const rate = { batch, facesPerSecond: (batch * models.threads * 1000) / (clock() - start) };
      rates.push(rate);
      if (best !== undefined && rate.facesPerSecond < best.facesPerSecond * WORTH_WHILE) {
        return end('larger batches are no faster');
      }
      best = rate;
    } catch (error) {
      if (best === undefined) throw error;
      return end(`${batch} at a time: ${describeError(toError(error))}`);
    }
    if (process.memoryUsage.rss() > memoryLimit) return end('memory');
  }
  return end('the largest that is tried');

  /** One batch in every thread. */
  async function runBatches(batch: number): Promise<void> {
    await Promise.all(
      Array.from({ length: models.threads }, () =>
        models.processFaces(
          Array.from({ length: batch }, (_, i) => ({
            faceId: `probe-${i}`,
            bytes: new Uint8Array(photograph),
          })),
        ),
      ),
    );
  }
}

/** One line for a person. */
export function formatProbe({ batch, rates, ended }: BatchProbe): string {
  const tried = rates.map((rate) => `${rate.batch}: ${rate.facesPerSecond.toFixed(1)}`).join(', ');
  return `batch ${batch} (faces/s of one photograph: ${tried}; ${ended})`;
}

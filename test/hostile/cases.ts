/**
 * How many hostile cases a test tries, from which seed, and where they are counted. The tests run the short form;
 * `npm run test:hostile` sets POSECAST_HOSTILE=full. POSECAST_HOSTILE_SEED repeats a run.
 */
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';

const full = process.env.POSECAST_HOSTILE === 'full';

/** The seed of every draw; fixed in the short form, so that no test depends on luck. */
export const SEED = Number(process.env.POSECAST_HOSTILE_SEED ?? 1);

/** The number of cases: `long` in `npm run test:hostile`, else `short`. */
export function cases(short: number, long: number): number {
  return full ? long : short;
}

/** Adds to the count that `npm run test:hostile` prints and holds to its minimum. */
export function countCases(group: string, number: number): void {
  const file = process.env.POSECAST_HOSTILE_COUNTS;
  if (file !== undefined) appendFileSync(file, `${group}\t${number}\n`);
}

/**
 * Tries `number` mutation seeds. fast-check prints the seed and the path of a failure; the counterexample is the
 * mutation's own seed, which alone makes the same input again.
 */
export async function forSeeds(
  group: string,
  number: number,
  check: (seed: number) => void | Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => check(seed)),
    {
      seed: SEED,
      numRuns: number,
      // A smaller seed is not a smaller input.
      endOnFailure: true,
    },
  );
  countCases(group, number);
}

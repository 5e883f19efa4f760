/** Timing of small pieces of work in this thread. */

/**
 * Items a second of `work`, which does `items`: repeated for at least `seconds`, after one pass that is not counted.
 */
export async function ratePerSecond(
  items: number,
  seconds: number,
  work: () => Promise<unknown>,
): Promise<number> {
  await work();
  const start = performance.now();
  let passes = 0;
  do {
    await work();
    passes++;
  } while (performance.now() - start < seconds * 1000);
  return (passes * items * 1000) / (performance.now() - start);
}

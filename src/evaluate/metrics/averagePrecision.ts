/** Retrieval: quality of one ranked list. */

/** Mean of the precision at each relevant entry of a list, best first; NaN when nothing is relevant. */
export function averagePrecision(relevant: readonly boolean[]): number {
  let [found, sum] = [0, 0];
  relevant.forEach((isRelevant, i) => {
    if (isRelevant) sum += ++found / (i + 1);
  });
  return sum / found;
}

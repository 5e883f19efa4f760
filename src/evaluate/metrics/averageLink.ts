/** Agglomerative clustering with average linkage, on similarities. */

/** One step: the clusters with these two members become one, at this mean similarity. */
export interface Merge {
  readonly first: number;
  readonly second: number;
  readonly similarity: number;
}

/** All n − 1 merges of n items, most similar first; `similarities` is n × n and symmetric. O(n³) at worst. */
export function averageLink(similarities: Float64Array, n: number): Merge[] {
  const between = Float64Array.from(similarities);
  const sizes = new Float64Array(n).fill(1);
  const active = Array.from({ length: n }, (_, i) => i);
  const merges: Merge[] = [];
  while (active.length > 1) {
    let [best, first, second] = [Number.NEGATIVE_INFINITY, 0, 1];
    for (let a = 1; a < active.length; a++) {
      const row = active[a]! * n;
      for (let b = 0; b < a; b++) {
        const similarity = between[row + active[b]!]!;
        if (similarity > best) [best, first, second] = [similarity, b, a];
      }
    }
    const [kept, gone] = [active[first]!, active[second]!];
    merges.push({ first: kept, second: gone, similarity: best });
    active.splice(second, 1);
    const size = sizes[kept]! + sizes[gone]!;
    for (const other of active) {
      const mean =
        (sizes[kept]! * between[kept * n + other]! + sizes[gone]! * between[gone * n + other]!) / size;
      between[kept * n + other] = mean;
      between[other * n + kept] = mean;
    }
    sizes[kept] = size;
  }
  return merges;
}

/** Cluster of each of n items when only merges at or above `threshold` are made; numbers are arbitrary. */
export function cutTree(merges: readonly Merge[], n: number, threshold: number): Int32Array {
  const cluster = Int32Array.from({ length: n }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (cluster[at] !== at) at = cluster[at]!;
    return at;
  };
  for (const { first, second, similarity } of merges) {
    // Average linkage is monotonic: no later merge is more similar.
    if (similarity < threshold) break;
    cluster[root(second)] = root(first);
  }
  return cluster.map((_, i) => root(i));
}

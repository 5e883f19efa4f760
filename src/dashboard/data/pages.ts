/** A piece of a long list whose parts lie in shards, found by counts alone, so that only the shards on it are read. */

/** Items [from, from + count) of a shard's own list. */
export interface ShardSlice {
  readonly shard: number;
  readonly from: number;
  readonly count: number;
}

/** The slices that hold items [start, start + size) of all shards' lists one after another. */
export function slicesOf(
  shards: Iterable<number>,
  countOf: (shard: number) => number,
  start: number,
  size: number,
): ShardSlice[] {
  const slices: ShardSlice[] = [];
  let before = 0;
  let left = size;
  for (const shard of shards) {
    const items = countOf(shard);
    const from = Math.max(0, start - before);
    if (left > 0 && from < items) {
      const count = Math.min(items - from, left);
      slices.push({ shard, from, count });
      left -= count;
    }
    before += items;
    if (left === 0) break;
  }
  return slices;
}

/** 0-based page of a list, held inside it. */
export function clampPage(page: number, items: number, size: number): number {
  return Math.min(Math.max(0, page), Math.max(0, Math.ceil(items / size) - 1));
}

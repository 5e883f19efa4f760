/** How long this worker takes for a shard, judged by those it has finished. */

/** Finished shards that are remembered; photographs change in the course of a corpus. */
const REMEMBERED = 8;

interface FinishedShard {
  readonly faces: number;
  readonly ms: number;
}

export interface ShardPace {
  add(finished: FinishedShard): void;
  /**
   * Milliseconds for a shard of so many faces; undefined before the first shard. At the slowest pace of shards that
   * were at least half as large: what a shard costs beside its faces makes small ones look slow.
   */
  estimate(faces: number): number | undefined;
}

export function createShardPace(): ShardPace {
  const remembered: FinishedShard[] = [];
  return {
    add(finished) {
      remembered.push(finished);
      if (remembered.length > REMEMBERED) remembered.shift();
    },
    estimate(faces) {
      if (remembered.length === 0) return undefined;
      const alike = remembered.filter((shard) => shard.faces * 2 >= faces);
      const judged = alike.length > 0 ? alike : remembered;
      return faces * Math.max(...judged.map((shard) => shard.ms / shard.faces));
    },
  };
}

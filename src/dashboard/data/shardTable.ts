/**
 * Which shards the table shows: filtered, sorted, a page of them. Pure over the log, and bounded for 100,000 shards.
 */
import type { RunShards } from '../../shared/run/runShards.ts';
import type { CommitLog, ShardNumber } from './commitLog.ts';
import { clampPage } from './pages.ts';
import type { RunWatch } from './runWatch.ts';

export const SHARD_STATES = ['committed', 'in work', 'failed', 'waiting'] as const;
export type ShardState = (typeof SHARD_STATES)[number];

export interface ShardQuery {
  readonly sort: 'shard' | ShardNumber;
  readonly descending: boolean;
  /** undefined: all. */
  readonly state: ShardState | undefined;
  /** 0-based. */
  readonly page: number;
}

export interface ShardPage {
  readonly shards: readonly { readonly shard: number; readonly state: ShardState }[];
  /** 0-based, held inside the table. */
  readonly page: number;
  /** Shards that the filter lets through. */
  readonly found: number;
  /** All shards by state. */
  readonly counts: Readonly<Record<ShardState, number>>;
}

export const SHARDS_A_PAGE = 50;

/** What the state of a shard follows from. */
export interface ShardSource {
  readonly log: Pick<CommitLog, 'has' | 'number' | 'shardsDone'>;
  readonly shards: Pick<RunShards, 'places' | 'shardAt'>;
  readonly inWork: ReadonlySet<number>;
  readonly failed: ReadonlySet<number>;
}

export function shardSource({
  log,
  shards,
  snapshot: { redis, failed },
}: Pick<RunWatch, 'log' | 'shards' | 'snapshot'>): ShardSource {
  return {
    log,
    shards,
    inWork: new Set(redis.status === 'answers' ? redis.queue.inWork.map(({ shard }) => shard) : []),
    failed: new Set(failed.shards),
  };
}

export function shardPage(source: ShardSource, query: ShardQuery): ShardPage {
  const { log, shards } = source;
  const counts = { committed: 0, 'in work': 0, failed: 0, waiting: 0 };
  const found: number[] = [];
  for (let place = 0; place < shards.places; place++) {
    const shard = shards.shardAt(place);
    const state = stateOfShard(source, shard);
    counts[state]++;
    if (query.state === undefined || query.state === state) found.push(shard);
  }
  const { sort } = query;
  if (sort !== 'shard') {
    const values = new Map(found.map((shard) => [shard, log.number(shard, sort)]));
    const sign = query.descending ? -1 : 1;
    found.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      // Those without a number come last, in either direction.
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      return sign * (x - y);
    });
  } else if (query.descending) found.reverse();
  const page = clampPage(query.page, found.length, SHARDS_A_PAGE);
  return {
    shards: found
      .slice(page * SHARDS_A_PAGE, (page + 1) * SHARDS_A_PAGE)
      .map((shard) => ({ shard, state: stateOfShard(source, shard) })),
    page,
    found: found.length,
    counts,
  };
}

/** A shard that is tried again is in work, whatever a note in OUT says of it. */
export function stateOfShard({ log, inWork, failed }: ShardSource, shard: number): ShardState {
  if (log.has(shard)) return 'committed';
  if (inWork.has(shard)) return 'in work';
  return failed.has(shard) ? 'failed' : 'waiting';
}

/**
 * Which shards were committed since one last looked, without listing every commit each time. A listing answers a
 * thousand names a request, and a thousand shards share the first five digits of their names, so a piece of the run
 * that is wholly committed is never listed again. Shards are handed out in order: what is new lies near the last
 * commit.
 */
import type { ObjectStore } from '../store/objectStore.ts';
import { isMissing } from './committedShards.ts';
import { COMMITS_PREFIX, commitKey, shardOfCommitKey } from './runKeys.ts';
import type { RunShards } from './runShards.ts';

/** Shards of a piece: as many names as S3 lists with one request. */
export const PIECE_SHARDS = 1_000;

/** More unfinished pieces than this are listed in one go. */
const MAX_PIECES = 8;

/** Pieces behind the last commit in which workers may be by now. */
const PIECES_AHEAD = 1;

/** Every so many looks everything is listed, for commits that came in no order. */
const WHOLE_EVERY = 30;

export interface NewCommits {
  /** Shards that count and have a commit that the caller does not have; those out of order may take some looks. */
  find(
    shards: RunShards,
    has: (shard: number) => boolean,
    signal?: AbortSignal,
  ): AsyncGenerator<number, void, undefined>;
}

export function findNewCommits(store: ObjectStore): NewCommits {
  let looks = 0;
  return {
    async *find(shards, has, signal) {
      const committed = { has };
      const wanted = (shard: number): boolean => isMissing(shards, committed, shard);
      const pieces = looks++ % WHOLE_EVERY === 0 ? undefined : openPieces(shards, has, wanted);
      const prefixes = pieces?.map(piecePrefix) ?? [COMMITS_PREFIX];
      for (const prefix of prefixes) {
        for await (const { key } of store.list(prefix, signal)) {
          const shard = shardOfCommitKey(key);
          if (shard !== undefined && wanted(shard)) yield shard;
        }
      }
    },
  };
}

/** Pieces worth a look; undefined: all of them at once. */
function openPieces(
  { numbers }: RunShards,
  has: (shard: number) => boolean,
  wanted: (shard: number) => boolean,
): number[] | undefined {
  const last = Math.ceil(numbers / PIECE_SHARDS) - 1;
  const open: number[] = [];
  let frontier = -1;
  for (let piece = 0; piece <= last; piece++) {
    const end = Math.min((piece + 1) * PIECE_SHARDS, numbers);
    let [missing, found] = [false, false];
    for (let shard = piece * PIECE_SHARDS; shard < end; shard++) {
      if (has(shard)) found = true;
      else if (wanted(shard)) missing = true;
    }
    if (found) frontier = piece;
    if (missing) open.push(piece);
  }
  // Later generations have the last numbers.
  const looked = open.filter((piece) => piece <= frontier + PIECES_AHEAD || piece === last);
  return looked.length > MAX_PIECES ? undefined : looked;
}

function piecePrefix(piece: number): string {
  const name = commitKey(piece * PIECE_SHARDS);
  return name.slice(0, -'000.json'.length);
}

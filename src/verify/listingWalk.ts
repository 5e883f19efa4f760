/**
 * Whether the shards' row ranges follow one another through all listings of a run. Shards come in the order of their
 * places.
 */
import type { RunListing, RunShards } from '../shared/run/runShards.ts';
import type { ShardCommit } from '../shared/run/shardCommit.ts';
import { ListingCover } from './listingCover.ts';
import type { ProblemLog } from './problems.ts';

export class ListingWalk {
  private readonly shards: RunShards;
  private readonly problems: ProblemLog;
  private listing: RunListing;
  private cover: ListingCover;
  /** Whether the shard before could not be read; what it would have said is then left open. */
  private afterGap = false;

  constructor(shards: RunShards, problems: ProblemLog) {
    this.shards = shards;
    this.problems = problems;
    this.listing = shards.listingAt(0);
    this.cover = new ListingCover(this.listing, problems);
  }

  /** Goes on to the shard at this place; answers the listing that it is of. */
  enter(place: number): RunListing {
    const listing = this.shards.listingAt(place);
    if (listing !== this.listing) {
      if (!this.afterGap) this.cover.finish();
      this.listing = listing;
      this.cover = new ListingCover(listing, this.problems);
      this.afterGap = false;
    }
    return listing;
  }

  add(commit: ShardCommit): void {
    this.cover.add(commit, this.afterGap);
    this.afterGap = false;
  }

  /** For a shard that could not be read, or not all of it. */
  interrupt(): void {
    this.afterGap = true;
  }

  /** After the last shard, when there is a commit of each. */
  finish(): void {
    this.cover.finish();
  }
}

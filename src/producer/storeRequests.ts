/**
 * How many requests a run makes to its store, S3's own counting: what a dry run can say of the bill. The numbers per
 * shard follow from `processShard`, `commitShard` and `finalizeRun`; a test counts those of a real run.
 */
import { MULTIPART_BYTES, PART_BYTES } from '../shared/store/multipart.ts';

export interface StoreRequests {
  readonly writes: number;
  readonly reads: number;
  readonly lists: number;
}

export interface RequestPlan {
  readonly shards: number;
  /** Shards that will have a rejects file. */
  readonly shardsWithRejects: number;
  /** Average size of a shard's data file. */
  readonly dataBytes: number;
  readonly listingBytes: number;
  /** How long workers look for a pause, summed over them. */
  readonly workerSeconds: number;
}

/** Keys on a page of a listing. */
const PAGE = 1_000;

export function storeRequests(plan: RequestPlan): StoreRequests {
  const { shards, shardsWithRejects } = plan;
  return {
    // Data, subjects, commit; once: the probe of put-if-absent, plan, run.json, the last three files.
    writes: 7 + puts(plan.listingBytes) + shardsWithRejects + shards * (2 + puts(plan.dataBytes)),
    // A shard's rows of the listing, run.json and its commit before it commits, its commit after that and at the
    // finish, the sizes of what was written, its people.
    reads: 17 + shardsWithRejects + shards * 10 + Math.round(plan.workerSeconds / 2),
    // Commits three times, and what lies beside them.
    lists: 15 + 6 * Math.floor(shards / PAGE),
  };
}

function puts(bytes: number): number {
  return bytes <= MULTIPART_BYTES ? 1 : 2 + Math.ceil(bytes / PART_BYTES);
}

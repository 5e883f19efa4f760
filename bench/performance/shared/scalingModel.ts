/** What a run of any size needs, from constants that benches measured and assumptions that are stated. Pure. */

/** From bench/results: one machine, one version of posecast. */
export interface MeasuredConstants {
  /** Share of their time in which the models of a simulated fleet computed. */
  readonly busyShare: number;
  /**
   * Commands to Redis for a shard of the fleet's length, the looks, heartbeats and locks of its worker in that time
   * included.
   */
  readonly redisCommandsPerShard: number;
  /** Milliseconds of Redis's one thread for the same. */
  readonly redisCpuMsPerShard: number;
  /** Length of those shards, in milliseconds. */
  readonly fleetShardMs: number;
  readonly redisBytesPerWorker: number;
  /** At most, while nothing fails, whatever the number of shards. */
  readonly redisBytesOfQueue: number;
  readonly listingBytesPerFace: number;
  readonly listedFacesPerSecond: number;
  readonly queuedShardsPerSecond: number;
  /** zstd Parquet, 512 float32 and the other columns. */
  readonly bytesPerRow: number;
  /** Requests of one shard to the store, its photographs not included. */
  readonly writesPerShard: number;
  readonly readsPerShard: number;
}

export interface Assumptions {
  readonly faces: number;
  readonly facesPerPerson: number;
  /** Variants a person. */
  readonly variants: number;
  readonly shardFaces: number;
  /** Photographs a second of one worker. */
  readonly facesPerSecond: number;
  /** The run is to take this long, listing and finish not included. */
  readonly hours: number;
  /** Currency units; which ones is the reader's business. */
  readonly prices: {
    readonly workerHour: number;
    readonly millionWrites: number;
    readonly millionReads: number;
    readonly terabyteMonth: number;
  };
}

/** S3 lists a thousand keys a request. */
const KEYS_PER_LIST = 1_000;
/** Names that the last step lists, a shard: its commit and its files. */
const LISTED_PER_SHARD = 3;
/**
 * What the last step reads of a shard: its commit and its table of people. Every worker that is there at the end may do
 * it, at the worst all of them at once.
 */
const FINISH_READS_PER_SHARD = 2;

export interface Needs {
  readonly people: number;
  readonly shards: number;
  readonly shardSeconds: number;
  readonly rows: number;
  readonly dataTerabytes: number;
  readonly workerHours: number;
  readonly workers: number;
  readonly planningMinutes: number;
  readonly listingGigabytes: number;
  readonly redisMegabytes: number;
  readonly redisCommandsPerSecond: number;
  /** Of its one thread. */
  readonly redisBusyShare: number;
  /** Workers with shards of this length that one Redis can serve when nothing else bounds them. */
  readonly workersPerRedis: number;
  readonly storeWrites: number;
  /** Photographs included, one read each. */
  readonly storeReads: number;
  readonly storeRequestsPerSecond: number;
  readonly cost: { readonly workers: number; readonly requests: number; readonly storageMonth: number };
}

export function needsOf(asked: Assumptions, measured: MeasuredConstants): Needs {
  const { faces, prices } = asked;
  const people = faces / asked.facesPerPerson;
  const shards = Math.ceil(faces / asked.shardFaces);
  const shardSeconds = asked.shardFaces / asked.facesPerSecond;
  const rows = faces + people * asked.variants;
  const workerHours = faces / asked.facesPerSecond / measured.busyShare / 3600;
  const workers = Math.ceil(workerHours / asked.hours);
  const seconds = asked.hours * 3600;
  // A longer shard has more looks and renewals in it: counted as if all commands grew with its length, which is too
  // many.
  const length = Math.max(1, (1000 * shardSeconds) / measured.fleetShardMs);
  const redisMsPerShard = measured.redisCpuMsPerShard * length;
  const storeWrites = shards * measured.writesPerShard;
  const ownReads = shards * (measured.readsPerShard + workers * FINISH_READS_PER_SHARD);
  const lists = (workers * shards * LISTED_PER_SHARD) / KEYS_PER_LIST;
  const storeReads = faces + ownReads;
  const dataTerabytes = (rows * measured.bytesPerRow) / 1e12;
  return {
    people,
    shards,
    shardSeconds,
    rows,
    dataTerabytes,
    workerHours,
    workers,
    planningMinutes:
      (faces / measured.listedFacesPerSecond + Math.min(shards, 2_000) / measured.queuedShardsPerSecond) / 60,
    listingGigabytes: (faces * measured.listingBytesPerFace) / 1e9,
    redisMegabytes: (measured.redisBytesOfQueue + workers * measured.redisBytesPerWorker) / 1e6,
    redisCommandsPerSecond: (shards * measured.redisCommandsPerShard * length) / seconds,
    redisBusyShare: (shards * redisMsPerShard) / 1000 / seconds,
    workersPerRedis: Math.floor((1000 * shardSeconds) / redisMsPerShard),
    storeWrites,
    storeReads,
    storeRequestsPerSecond: (storeWrites + storeReads) / seconds,
    cost: {
      workers: workerHours * prices.workerHour,
      // Lists are charged as writes.
      requests: ((storeWrites + lists) * prices.millionWrites + storeReads * prices.millionReads) / 1e6,
      storageMonth: dataTerabytes * prices.terabyteMonth,
    },
  };
}

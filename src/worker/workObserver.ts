/** What a worker process tells of its work while it works: for metrics, traces and logs. */
import type { QueueDepth } from '../shared/redis/queue.ts';
import type { Counters } from '../shared/run/shardCommit.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ShardProgress } from './queue/shardProgress.ts';
import type { StageSpan } from './stopwatch.ts';
import type { FaceResult } from './tables/shardTables.ts';

/**
 * What a batch of photographs passes through, in order: `read` and `wait` (for a free model thread) outside of the
 * threads, the others inside. `combine`: a request of at most 128 variants.
 */
export const BATCH_STAGES = [
  'read',
  'wait',
  'decode',
  'detect',
  'landmarks',
  'pose',
  'align',
  'embed',
  'posture',
  'combine',
] as const;
export type BatchStage = (typeof BATCH_STAGES)[number];

/**
 * The parts of a shard's processing, in order; `earlier` (faces of its people that were committed before) is of appends
 * alone; `read`, `faces` and `augment` overlap.
 */
export const SHARD_STAGES = ['listing', 'earlier', 'read', 'faces', 'augment', 'encode', 'commit'] as const;

/** How an attempt of a shard ends in this process. */
export type AttemptResult =
  /** What the commit says; rejected photographs by `stage/code`. */
  | {
      readonly outcome: 'committed';
      readonly counters: Counters;
      readonly rejectsByCode: Readonly<Record<string, number>>;
    }
  /** Another attempt's commit stands. */
  | { readonly outcome: 'taken' }
  /** The queue decides whether there is another attempt. */
  | { readonly outcome: 'failed'; readonly failure: AttemptFailure }
  /** To the queue, without burning an attempt. */
  | { readonly outcome: 'handed-back' };

export interface AttemptFailure {
  readonly code: string;
  readonly message: string;
}

export const SHARD_OUTCOMES = [
  'committed',
  'taken',
  'failed',
  'handed-back',
] as const satisfies readonly AttemptResult['outcome'][];

export type ShardEnd = AttemptResult & {
  readonly runId: string;
  /** Absent: the job was no shard. */
  readonly spec?: ShardSpec;
  /** From being taken from the queue. */
  readonly seconds: number;
  readonly stages: readonly StageSpan[];
  /** Milliseconds by stage, those in the model threads included, summed over batches. */
  readonly stagesMs: Readonly<Record<string, number>>;
};

/**
 * Called on the thread that renews the locks: every method returns at once and never throws. `shardEnded` is called
 * inside of the asynchronous context in which BullMQ processes the shard.
 */
export interface WorkObserver {
  /** A shard was handed out for the first time, so long after it was queued; by the clocks of two machines. */
  queueWait?(seconds: number): void;
  batchStage?(stage: BatchStage, seconds: number): void;
  /** A model thread was busy for so long. */
  threadBusy?(seconds: number): void;
  /** Work that is done, whether or not its shard will be committed. */
  progress?(done: ShardProgress): void;
  faces?(results: readonly FaceResult[], spec: ShardSpec): void;
  shardEnded?(end: ShardEnd): void;
  /** The queue as it was seen a moment ago. */
  queueDepth?(depth: QueueDepth): void;
}

/** One that tells several. */
export function tellAll(observers: readonly WorkObserver[]): Required<WorkObserver> {
  return {
    queueWait: (seconds) => observers.forEach((observer) => void observer.queueWait?.(seconds)),
    batchStage: (stage, seconds) =>
      observers.forEach((observer) => void observer.batchStage?.(stage, seconds)),
    threadBusy: (seconds) => observers.forEach((observer) => void observer.threadBusy?.(seconds)),
    progress: (done) => observers.forEach((observer) => void observer.progress?.(done)),
    faces: (results, spec) => observers.forEach((observer) => void observer.faces?.(results, spec)),
    shardEnded: (end) => observers.forEach((observer) => void observer.shardEnded?.(end)),
    queueDepth: (depth) => observers.forEach((observer) => void observer.queueDepth?.(depth)),
  };
}

/**
 * Traces: where the time of a shard went, from being queued to its commit, across processes. One trace a shard:
 *
 *   enqueue (producer) → process (worker, by BullMQ) → listing, read, faces, augment, encode, commit
 */
import type { Telemetry } from 'bullmq';
import type { ShardSpec } from '../shard.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A part of the work that has ended. */
export interface Interval {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes?: SpanAttributes;
}

export interface ProcessedShard {
  readonly attributes: SpanAttributes;
  readonly parts: readonly Interval[];
  /** Why it did not succeed. */
  readonly failure?: string;
}

export interface Tracing {
  /** What BullMQ's worker has to be opened with. */
  readonly queue: Telemetry;
  /** Starts the trace of a shard; the job carries `metadata` to the worker. */
  enqueue(spec: ShardSpec): { readonly metadata: string; end(): void };
  /** To be called inside of the shard's processing, at its end. */
  processed(shard: ProcessedShard): void;
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

/** A shard: the unit of work, of retry and of output. One ShardSpec is one queue job and one commit. */
import { z } from 'zod';

export const shardSpecSchema = z.strictObject({
  runId: z.string().min(1),
  /** 0-based position in the plan. */
  index: z.int().min(0),
  /** Store key of the listing part that holds the rows. */
  part: z.string().min(1),
  /** Rows [rowStart, rowEnd) of that part. Whole subjects only. */
  rowStart: z.int().min(0),
  rowEnd: z.int().min(1),
  subjects: z.int().min(1),
  /** Position of the shard's first subject in the whole listing: its class_index. */
  firstClassIndex: z.int().min(0),
});

export type ShardSpec = z.infer<typeof shardSpecSchema>;

/** Fixed-width name of a shard, so that keys sort in shard order. */
export function shardName(index: number): string {
  return String(index).padStart(8, '0');
}

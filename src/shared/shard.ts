/** A shard: the unit of work, of retry and of output. One ShardSpec is one queue job and one commit. */
import { z } from 'zod';
import { storeKeySchema } from './store/storeKey.ts';

/** It becomes part of store keys, Redis keys and queue names. */
export const runIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected up to 64 letters, digits and hyphens');

/** Shards of a run at most: what looks at all of them keeps a byte for each, and so does no damaged file more. */
export const MAX_SHARDS = 20_000_000;

const specFields = z.strictObject({
  runId: runIdSchema,
  /** Its number in the run: 0-based position in the plan, or one that a generation gave it. */
  index: z
    .int()
    .min(0)
    .max(MAX_SHARDS - 1),
  /** Store key of the listing part that holds the rows. */
  part: storeKeySchema,
  /** Rows [rowStart, rowEnd) of that part. Whole subjects only. */
  rowStart: z.int().min(0),
  rowEnd: z.int().min(1),
  subjects: z.int().min(1),
  /** Position of the shard's first subject in its listing; in the run as planned that is the class_index. */
  firstClassIndex: z.int().min(0),
});

export type ShardSpec = z.infer<typeof specFields>;

export const shardSpecSchema = specFields.refine(
  ({ rowStart, rowEnd, subjects }) => subjects <= rowEnd - rowStart,
  'expected a row or more for every subject',
);

/** Fixed-width name of a shard, so that keys sort in shard order. */
export function shardName(index: number): string {
  return String(index).padStart(8, '0');
}

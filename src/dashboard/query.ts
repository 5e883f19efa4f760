/** What an address asks for, parsed at the edge: anything else than the pages' own links ask is refused. */
import { z } from 'zod';
import type { ShardNumber } from './data/commitLog.ts';
import { SHARD_STATES, type ShardQuery } from './data/shardTable.ts';
import { MAX_CHOSEN } from './pages/people.ts';

/** 1-based in addresses, 0-based inside. */
const page = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .transform((text) => Number(text) - 1)
  .default(0);

/** `shard.row` of a person. */
const place = z
  .string()
  .regex(/^\d{1,9}\.\d{1,9}$/)
  .transform((text) => {
    const [shard = 0, row = 0] = text.split('.').map(Number);
    return { shard, row };
  });

const index = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

const sort = z
  .string()
  .regex(/^(shard|faces|rejected|variants|totalMs|finishedAt|stage:.{1,64})$/)
  .transform((text) => text as 'shard' | ShardNumber)
  .default('shard');

export const shardsQuery = z
  .strictObject({
    sort,
    order: z.enum(['ascending', 'descending']).default('ascending'),
    state: z.enum(SHARD_STATES).optional(),
    page,
  })
  .transform(
    ({ sort, order, state, page }): ShardQuery => ({ sort, descending: order === 'descending', state, page }),
  );

export const rejectsQuery = z.strictObject({ code: z.string().min(1).max(200).optional(), page });

export const peopleQuery = z.object({
  show: z
    .array(z.string())
    .transform((places) => [...new Set(places)].slice(0, MAX_CHOSEN))
    .pipe(z.array(place))
    .default([]),
  // As long as a name may be: longer lines than this a server does not take.
  find: z.string().max(16_384).optional(),
  page,
});

export const thumbnailParams = z.object({ shard: index, row: index });

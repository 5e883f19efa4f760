/** Reads the faces of a row range of a listing. Range reads only, over any store. */
import { z } from 'zod';
import { IntegrityError, PermanentShardError } from '../errors.ts';
import type { FaceRecord } from '../face.ts';
import { fitsLabel, type LabelColumn, type LabelValue } from '../labels/labelColumns.ts';
import type { ShardSpec } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { openStoredTable, type StoredTable } from '../table/storedTable.ts';
import { LATER_LISTING_COLUMNS, listingColumns } from './listingTable.ts';

/** A row range of one listing part; a ShardSpec is one. */
export type ListingRange = Pick<ShardSpec, 'part' | 'rowStart' | 'rowEnd'>;

const position = z
  .bigint()
  .min(0n)
  .nullish()
  .transform((value) => (value == null ? undefined : Number(value)));

const listingRow = z.strictObject({
  face_id: z.string().min(1),
  subject_id: z.string().min(1),
  uri: z.string().min(1),
  bytes: z.bigint(),
  offset: position,
  row: position,
});

/** What a label column may hold in the file; its type is checked after. */
const labelCell = z.union([z.string(), z.bigint(), z.number(), z.null()]);

/**
 * The faces of a range, in listing order.
 * @throws PermanentShardError when the part is not there or has fewer rows; IntegrityError when it cannot be read
 * as a listing.
 */
export async function readListing(
  store: ObjectStore,
  range: ListingRange,
  signal?: AbortSignal,
  labelColumns: readonly LabelColumn[] = [],
): Promise<FaceRecord[]> {
  const { part, rowStart, rowEnd } = range;
  const file = await openPart(store, part, signal);
  if (file === undefined) {
    throw new PermanentShardError('no-listing', 'listing part is not in the store', {
      key: part,
      store: store.uri,
    });
  }
  if (rowEnd > file.rows || rowStart >= rowEnd) {
    throw new PermanentShardError('bad-range', 'listing range is outside its part', {
      key: part,
      range: `${rowStart}–${rowEnd}`,
      rows: file.rows,
    });
  }
  const columns = Object.keys(listingColumns(labelColumns)).filter(
    (name) => file.columns.has(name) || !LATER_LISTING_COLUMNS.includes(name),
  );
  const rows = await file
    .read(columns, listingRow.catchall(labelCell), rowStart, rowEnd, signal)
    .catch((error: unknown) => {
      // It may have been put right when it is asked for again.
      openParts.get(store)?.delete(part);
      throw error;
    });
  return rows.map((row) => ({
    faceId: row.face_id,
    subjectId: row.subject_id,
    uri: row.uri,
    bytes: Number(row.bytes),
    ...(row.offset !== undefined && { offset: row.offset }),
    ...(row.row !== undefined && { row: row.row }),
    ...(labelColumns.length > 0 && {
      labels: labelColumns.map((column) => labelOf(column, row[column.name], part)),
    }),
  }));
}

/** Parts that stay open: those of the shards in work, and the next. */
const OPEN_PARTS = 4;
/** Parts never change, so that a shard need not ask for their size and footer again. */
const openParts = new WeakMap<ObjectStore, Map<string, Promise<StoredTable | undefined>>>();

async function openPart(
  store: ObjectStore,
  part: string,
  signal: AbortSignal | undefined,
): Promise<StoredTable | undefined> {
  const open = openParts.get(store) ?? new Map<string, Promise<StoredTable | undefined>>();
  openParts.set(store, open);
  const kept = await open.get(part)?.catch(() => undefined);
  if (kept !== undefined) return kept;
  const opening = openStoredTable(store, part, 'listing part', signal);
  open.delete(part);
  open.set(part, opening);
  for (const oldest of [...open.keys()].slice(0, -OPEN_PARTS)) open.delete(oldest);
  return opening;
}

function labelOf({ name, type }: LabelColumn, cell: unknown, key: string): LabelValue {
  const value = (typeof cell === 'bigint' ? Number(cell) : (cell ?? null)) as LabelValue;
  if (fitsLabel(type, value)) return value;
  throw new IntegrityError('bad-listing', `listing part: ${name}: expected a label of type ${type}`, { key });
}

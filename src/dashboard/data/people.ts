/**
 * The people of the committed shards, in the order in which they came to the run: as planned, then those of each
 * append. Everybody is one row, that of their first photographs, to which the rows of later appends are added.
 */
import pLimit from 'p-limit';
import { IntegrityError } from '../../shared/errors.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';
import type { RunListing, RunShards } from '../../shared/run/runShards.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import type { SubjectRow } from '../../shared/table/tables.ts';
import { type AppendedPeople, lowerBound, readAppendedPeople } from './appendedPeople.ts';
import type { CommitLog } from './commitLog.ts';
import { slicesOf } from './pages.ts';
import type { ShardFiles } from './shardFiles.ts';

/** Tables of people read at the same time for one page. */
const READS = 16;

/** A row of a shard's table of people. */
export interface PersonPlace {
  readonly shard: number;
  readonly row: number;
}

/** A person over all generations; the place is that of their first photographs. */
export interface PersonRow extends SubjectRow, PersonPlace {
  /** Shards that hold rows of the person, the first photographs first. */
  readonly shards: readonly number[];
}

export interface RunPeople {
  /** People of committed shards. */
  count(): Promise<number>;
  /** People [start, start + size). */
  page(start: number, size: number): Promise<PersonRow[]>;
  /** Undefined while their shard is not committed, and for a row that is not somebody's first. */
  at(place: PersonPlace): Promise<PersonRow | undefined>;
  /** Everybody whose first photographs are in the shard. */
  ofShard(shard: number): Promise<PersonRow[]>;
  /** Committed shards that hold the first photographs of somebody, in order. */
  firstShards(): Promise<readonly number[]>;
  /** Position of the person whose id is `subjectId`, or the next after it; their number when there is none. */
  positionOf(subjectId: string): Promise<number>;
}

/** The committed shards of a listing, in order. */
interface ListingPart {
  readonly listing: RunListing;
  readonly shards: readonly number[];
  /** Positions in the listing of each shard's first person, ascending. */
  readonly starts: readonly number[];
  /** People of each shard whose first photographs are in it. */
  readonly people: readonly number[];
  /** Undefined: everybody is new. */
  readonly appended: AppendedPeople | undefined;
}

/** `shards`: those that make up the run at the moment. */
export function openRunPeople(
  log: CommitLog,
  files: Pick<ShardFiles, 'subjects'>,
  store: ObjectStore,
  shards: () => RunShards,
): RunPeople {
  const tables = new Map<string, Promise<AppendedPeople>>();
  let parts: { readonly of: readonly number[]; readonly result: Promise<ListingPart[]> } | undefined;
  const limit = pLimit(READS);
  const subjectsOf = (shard: number) => limit(() => files.subjects(shard));

  function tableOf(listing: RunListing): Promise<AppendedPeople> | undefined {
    if (listing.subjects === null) return undefined;
    const { key } = listing.subjects;
    const before = tables.get(key);
    if (before !== undefined) return before;
    const table = readAppendedPeople(store, listing);
    // The store may answer the next time.
    table.catch(() => tables.delete(key));
    tables.set(key, table);
    return table;
  }

  function committed(): Promise<ListingPart[]> {
    const of = log.inOrder();
    if (parts?.of === of) return parts.result;
    const current = shards();
    const ofListing = current.listings.map(() => [] as number[]);
    let at = 0;
    for (const shard of of) {
      const place = current.placeOf(shard);
      if (place === undefined) continue;
      while ((current.listings[at + 1]?.firstPlace ?? Infinity) <= place) at++;
      ofListing[at]?.push(shard);
    }
    const result = Promise.all(
      current.listings.map(async (listing, i): Promise<ListingPart> => {
        const appended = await tableOf(listing);
        const ofPart = ofListing[i]!;
        const starts = ofPart.map((shard) => log.number(shard, 'firstClassIndex') ?? 0);
        const people = ofPart.map((shard, k) => {
          const subjects = log.number(shard, 'subjects') ?? 0;
          return appended === undefined ? subjects : appended.newWithin(starts[k]!, subjects);
        });
        return { listing, shards: ofPart, starts, people, appended };
      }),
    );
    parts = { of, result };
    result.catch(() => {
      parts = undefined;
    });
    return result;
  }

  /** First rows of a shard, each with its number in the table. */
  async function firstRows(shard: number, { listing }: ListingPart): Promise<(SubjectRow & PersonPlace)[]> {
    return (await subjectsOf(shard))
      .map((subject, row) => ({ ...subject, shard, row }))
      .filter(({ classIndex }) => classIndex >= listing.firstNewClass);
  }

  /** Adds the rows of later appends, as far as they are committed. */
  async function whole(first: SubjectRow & PersonPlace, { listing }: ListingPart): Promise<PersonRow> {
    const later = (await committed()).filter((part) => part.listing.generation > listing.generation);
    const rows = await Promise.all(
      later.map(async ({ shards, starts, appended }) => {
        const position = appended?.positionOf(first.classIndex);
        if (position === undefined) return undefined;
        const k = lowerBound(starts, position + 1) - 1;
        const shard = shards[k];
        const row = position - (starts[k] ?? 0);
        if (shard === undefined || row >= (log.number(shard, 'subjects') ?? 0)) return undefined;
        const subject = (await subjectsOf(shard))[row];
        if (subject?.subjectId === first.subjectId) return { ...subject, shard };
        const facts = { shard, row, expected: first.subjectId, found: subject?.subjectId };
        throw new IntegrityError('class-index', 'two people have the same class_index', facts);
      }),
    );
    return addUp(
      first,
      rows.filter((row) => row !== undefined),
    );
  }

  const people: RunPeople = {
    async count() {
      return (await committed()).reduce((sum, part) => sum + peopleOf(part), 0);
    },
    async page(start, size) {
      const pieces: Promise<PersonRow[]>[] = [];
      let [skip, left] = [start, size];
      for (const part of await committed()) {
        const slices = slicesOf(part.shards.keys(), (k) => part.people[k]!, skip, left);
        for (const { shard: k, from, count } of slices) {
          left -= count;
          const rows = async () => (await firstRows(part.shards[k]!, part)).slice(from, from + count);
          pieces.push(rows().then((found) => Promise.all(found.map((row) => whole(row, part)))));
        }
        skip = Math.max(0, skip - peopleOf(part));
      }
      return (await Promise.all(pieces)).flat();
    },
    async at({ shard, row }) {
      return (await people.ofShard(shard)).find((person) => person.row === row);
    },
    async ofShard(shard) {
      const place = shards().placeOf(shard);
      if (place === undefined || !log.has(shard)) return [];
      const { generation } = shards().listingAt(place);
      const part = (await committed()).find(({ listing }) => listing.generation === generation);
      if (part === undefined) return [];
      return Promise.all((await firstRows(shard, part)).map((row) => whole(row, part)));
    },
    async firstShards() {
      return (await committed()).flatMap((part) => part.shards.filter((_, k) => part.people[k]! > 0));
    },
    async positionOf(subjectId) {
      let before = 0;
      const found = new Map<ListingPart, { readonly id: string; readonly position: number }>();
      for (const part of await committed()) {
        const { shards } = part;
        // Every listing is in the order of ids: the first shard that may hold the id, then on to somebody new.
        let [low, high] = [0, shards.length];
        while (low < high) {
          const middle = (low + high) >> 1;
          const first = (await subjectsOf(shards[middle]!))[0]?.subjectId ?? '';
          if (compareUtf8(first, subjectId) <= 0) low = middle + 1;
          else high = middle;
        }
        const from = Math.max(0, low - 1);
        let position = before;
        for (const [k, shard] of shards.entries()) {
          const people = part.people[k]!;
          before += people;
          if (k < from) position = before;
          else if (people > 0 && !found.has(part)) {
            const rows = await firstRows(shard, part);
            const within = rows.findIndex((row) => compareUtf8(row.subjectId, subjectId) >= 0);
            if (within < 0) position = before;
            else found.set(part, { id: rows[within]!.subjectId, position: position + within });
          }
        }
      }
      // Somebody of the very name has the smallest of these ids.
      const [best] = [...found.values()].sort((a, b) => compareUtf8(a.id, b.id));
      return best?.position ?? before;
    },
  };
  return people;
}

function peopleOf({ people }: ListingPart): number {
  return people.reduce((sum, some) => sum + some, 0);
}

/** Numbers are added up; pose coverage is that of the shard that was done last, which saw the rows of all others. */
function addUp(
  first: SubjectRow & PersonPlace,
  later: readonly (SubjectRow & { readonly shard: number })[],
): PersonRow {
  const rows = [first, ...later];
  const sum = (of: (row: SubjectRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const { poseCoverageBefore, poseCoverageAfter } = rows.reduce((a, b) => (b.shard > a.shard ? b : a));
  return {
    subjectId: first.subjectId,
    classIndex: first.classIndex,
    faces: sum(({ faces }) => faces),
    rejects: sum(({ rejects }) => rejects),
    variants: sum(({ variants }) => variants),
    variantsRejected: sum(({ variantsRejected }) => variantsRejected),
    poseCoverageBefore,
    poseCoverageAfter,
    shard: first.shard,
    row: first.row,
    shards: rows.map(({ shard }) => shard),
  };
}

/**
 * What a corpus has that earlier listings have not, and the other way round: one merge of streams that are sorted by
 * person and photograph. Holds the faces of one person at a time.
 */
import type { FaceRecord } from '../../shared/face.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';

/** A face of an earlier listing, and where its person's rows are. */
export interface EarlierFace {
  readonly face: FaceRecord;
  /** Of the shard that has it. */
  readonly place: number;
  readonly classIndex: number;
}

/** Somebody with new photographs. */
export interface AppendedPerson {
  readonly subjectId: string;
  /** In the order of the listing; at least one. */
  readonly faces: readonly FaceRecord[];
  /** Absent: no earlier listing has the person. */
  readonly earlier?: {
    readonly classIndex: number;
    /** Places that hold the person's rows, ascending. */
    readonly places: readonly number[];
  };
}

/** Hears of what an append does not take up. */
export interface CorpusDifferences {
  /** The corpus has it no longer. */
  onGone(before: FaceRecord): void | Promise<void>;
  /** Its file or size is another one. */
  onChanged(before: FaceRecord, now: FaceRecord): void;
  /** It lies in another row of its table. */
  onMoved(before: FaceRecord, now: FaceRecord): void;
  /** The corpus says something else about it. */
  onLabelled(before: FaceRecord, now: FaceRecord): void;
}

/**
 * Everybody with new photographs, in the order of the corpus.
 * @param corpus in the order of `compareFaces`, as is each of `earlier`.
 */
export async function* compareCorpus(
  corpus: AsyncIterable<FaceRecord>,
  earlier: readonly AsyncIterable<EarlierFace>[],
  differences: CorpusDifferences,
): AsyncGenerator<AppendedPerson> {
  const now = await openPeople(corpus, (face) => face.subjectId);
  const before = await Promise.all(earlier.map((faces) => openPeople(faces, ({ face }) => face.subjectId)));
  try {
    while (true) {
      const subjectId = firstOf([now, ...before]);
      if (subjectId === undefined) return;
      const known: EarlierFace[] = [];
      for (const stream of before) known.push(...(await stream.take(subjectId)));
      const faces = await comparePerson(await now.take(subjectId), known, differences);
      if (faces.length === 0) continue;
      const [first] = known;
      if (first === undefined) yield { subjectId, faces };
      else {
        const places = [...new Set(known.map(({ place }) => place))].sort((a, b) => a - b);
        yield { subjectId, faces, earlier: { classIndex: first.classIndex, places } };
      }
    }
  } finally {
    await Promise.all([now, ...before].map((stream) => stream.close()));
  }
}

/** One person's new photographs. */
async function comparePerson(
  now: readonly FaceRecord[],
  known: readonly EarlierFace[],
  { onGone, onChanged, onMoved, onLabelled }: CorpusDifferences,
): Promise<FaceRecord[]> {
  const before = new Map(known.map(({ face }) => [face.faceId, face]));
  const fresh: FaceRecord[] = [];
  for (const face of now) {
    const same = before.get(face.faceId);
    before.delete(face.faceId);
    if (same === undefined) {
      fresh.push(face);
      continue;
    }
    if (!isSameFile(same, face)) onChanged(same, face);
    else if (same.row !== face.row) onMoved(same, face);
    if (!hasSameLabels(same, face)) onLabelled(same, face);
  }
  for (const face of before.values()) await onGone(face);
  return fresh;
}

function isSameFile(a: FaceRecord, b: FaceRecord): boolean {
  if (a.uri !== b.uri || a.offset !== b.offset) return false;
  // The size of a row is the average of its row group, and says nothing of the one image.
  return a.row === undefined || b.row === undefined ? a.row === b.row && a.bytes === b.bytes : true;
}

function hasSameLabels({ labels: a = [] }: FaceRecord, { labels: b = [] }: FaceRecord): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i]);
}

function firstOf(streams: readonly People<unknown>[]): string | undefined {
  let first: string | undefined;
  for (const { next } of streams.map((stream) => ({ next: stream.next() }))) {
    if (next !== undefined && (first === undefined || compareUtf8(next, first) < 0)) first = next;
  }
  return first;
}

interface People<T> {
  /** The next person; undefined at the end. */
  next(): string | undefined;
  /** What the stream has of a person, if that is the next one. */
  take(subjectId: string): Promise<T[]>;
  close(): Promise<void>;
}

async function openPeople<T>(stream: AsyncIterable<T>, subjectOf: (item: T) => string): Promise<People<T>> {
  const items = stream[Symbol.asyncIterator]();
  let head = await items.next();
  const next = (): string | undefined => (head.done ? undefined : subjectOf(head.value));
  return {
    next,
    async take(subjectId) {
      const taken: T[] = [];
      while (!head.done && subjectOf(head.value) === subjectId) {
        taken.push(head.value);
        head = await items.next();
      }
      return taken;
    },
    async close() {
      await items.return?.();
    },
  };
}

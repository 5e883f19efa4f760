/** The faces of a listing in OUT, with the place of their shard and the class_index of their person. */
import type { LabelColumn } from '../../shared/labels/labelColumns.ts';
import { readListing } from '../../shared/listing/listing.ts';
import { readPlan } from '../../shared/listing/shardPlan.ts';
import { readAppendedSubjects } from '../../shared/run/appendedSubjects.ts';
import type { RunListing } from '../../shared/run/runShards.ts';
import type { ShardSpec } from '../../shared/shard.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import type { EarlierFace } from './compareCorpus.ts';

/** Rows read at a time: a row group of the listing. */
const PIECE_ROWS = 10_000;

/** In listing order. Throws IntegrityError when the listing cannot be read. */
export async function* earlierFaces(
  store: ObjectStore,
  listing: RunListing,
  labelColumns: readonly LabelColumn[],
  signal?: AbortSignal,
): AsyncGenerator<EarlierFace> {
  for await (const piece of pieces(store, listing, signal)) {
    const [first, last] = [piece[0]!, piece.at(-1)!];
    const { part, rowStart, firstClassIndex } = first;
    const range = { part, rowStart, rowEnd: last.rowEnd };
    const faces = await readListing(store, range, signal, labelColumns);
    const subjects = last.firstClassIndex + last.subjects;
    const indices =
      listing.subjects === null
        ? undefined
        : await readAppendedSubjects(store, listing.subjects.key, firstClassIndex, subjects, signal);
    let position = firstClassIndex - 1;
    let subjectId: string | undefined;
    for (const { rowStart: start, rowEnd, index } of piece) {
      for (const face of faces.slice(start - rowStart, rowEnd - rowStart)) {
        if (face.subjectId !== subjectId) position++;
        subjectId = face.subjectId;
        const classIndex = indices?.[position - firstClassIndex]?.classIndex ?? position;
        yield { face, place: listing.firstPlace + index, classIndex };
      }
    }
  }
}

/** Shards that follow one another in a part, about a piece together. */
async function* pieces(
  store: ObjectStore,
  { planId }: RunListing,
  signal: AbortSignal | undefined,
): AsyncGenerator<ShardSpec[]> {
  let piece: ShardSpec[] = [];
  for await (const { spec } of readPlan(store, planId, signal)) {
    const first = piece[0];
    if (first !== undefined && (first.part !== spec.part || spec.rowEnd - first.rowStart > PIECE_ROWS)) {
      yield piece;
      piece = [];
    }
    piece.push(spec);
  }
  if (piece.length > 0) yield piece;
}

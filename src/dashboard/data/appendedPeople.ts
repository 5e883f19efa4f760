/**
 * Who of an append's listing was in the run before, as columns of numbers: an append may bring a million people.
 * Read once, since the table never changes.
 */
import { readAppendedSubjects } from '../../shared/run/appendedSubjects.ts';
import type { RunListing } from '../../shared/run/runShards.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';

/** Rows of the table in memory at a time. */
const PIECE_ROWS = 10_000;

export interface AppendedPeople {
  /** People of the listing at positions [start, start + count) without an earlier photograph. */
  newWithin(start: number, count: number): number;
  /** Position in the listing of somebody with earlier photographs; undefined: the listing has none of theirs. */
  positionOf(classIndex: number): number | undefined;
}

/** `listing`: an append's. Throws IntegrityError when its table of people is not there or cannot be read. */
export async function readAppendedPeople(
  store: ObjectStore,
  { subjects, firstNewClass }: RunListing,
): Promise<AppendedPeople> {
  const { key, rows } = subjects ?? { key: '', rows: 0 };
  const newBefore = new Uint32Array(rows + 1);
  const known: { readonly classIndex: number; readonly position: number }[] = [];
  for (let start = 0; start < rows; start += PIECE_ROWS) {
    const end = Math.min(rows, start + PIECE_ROWS);
    for (const [i, { classIndex }] of (await readAppendedSubjects(store, key, start, end)).entries()) {
      const position = start + i;
      const isNew = classIndex >= firstNewClass;
      newBefore[position + 1] = newBefore[position]! + Number(isNew);
      if (!isNew) known.push({ classIndex, position });
    }
  }
  known.sort((a, b) => a.classIndex - b.classIndex);
  const classIndices = Uint32Array.from(known, ({ classIndex }) => classIndex);
  const positions = Uint32Array.from(known, ({ position }) => position);
  const clamp = (position: number): number => Math.min(Math.max(0, position), rows);
  return {
    newWithin: (start, count) => newBefore[clamp(start + count)]! - newBefore[clamp(start)]!,
    positionOf(classIndex) {
      const at = lowerBound(classIndices, classIndex);
      return classIndices[at] === classIndex ? positions[at] : undefined;
    },
  };
}

/** Index of the first of the ascending values that is not below `value`. */
export function lowerBound(values: ArrayLike<number>, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

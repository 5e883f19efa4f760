/**
 * Photographs that lie close together in one archive are read at once: a request costs as much as a megabyte, and
 * members of one person often lie side by side.
 */
import type { ImageLocation } from '../../shared/corpus/corpusSource.ts';

/** Records that are looked at together, so that nothing read waits long for its turn. */
const BLOCK = 64;
/** Bytes between two photographs that are read and thrown away rather than asked around. */
const MAX_GAP = 256 * 2 ** 10;
/** Of one read; a larger photograph is read alone. */
const MAX_BYTES = 4 * 2 ** 20;

/** Photographs read at once: indices of records, and the range of their object; no range: one whole object. */
export interface PlannedRead {
  readonly uri: string;
  readonly range?: { readonly start: number; readonly end: number };
  readonly records: readonly number[];
}

/** Every record in exactly one read. */
export function planReads(records: readonly ImageLocation[]): PlannedRead[] {
  const reads: PlannedRead[] = [];
  for (let start = 0; start < records.length; start += BLOCK) {
    reads.push(...planBlock(records, start, Math.min(start + BLOCK, records.length)));
  }
  return reads;
}

interface Growing {
  uri: string;
  range: { start: number; end: number };
  records: number[];
}

function planBlock(records: readonly ImageLocation[], from: number, to: number): PlannedRead[] {
  const reads: PlannedRead[] = [];
  const places: { index: number; uri: string; start: number; end: number }[] = [];
  for (let index = from; index < to; index++) {
    const { uri, offset, bytes = 0 } = records[index]!;
    if (offset === undefined) reads.push({ uri, records: [index] });
    else places.push({ index, uri, start: offset, end: offset + bytes });
  }
  places.sort((a, b) => (a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : a.start - b.start));
  let growing: Growing | undefined;
  for (const { index, uri, start, end } of places) {
    const fits =
      growing !== undefined &&
      growing.uri === uri &&
      start - growing.range.end <= MAX_GAP &&
      Math.max(end, growing.range.end) - growing.range.start <= MAX_BYTES;
    if (growing !== undefined && fits) {
      growing.range.end = Math.max(end, growing.range.end);
      growing.records.push(index);
    } else {
      growing = { uri, range: { start, end }, records: [index] };
      reads.push(growing);
    }
  }
  return reads;
}

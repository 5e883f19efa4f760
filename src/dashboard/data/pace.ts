/** How fast a run is, by the moments at which its shards were committed. Pure: the time is an argument. */

/** A committed shard in time. Times are milliseconds since 1970. */
export interface DoneShard {
  readonly shard: number;
  readonly finishedAt: number;
  readonly totalMs: number;
  readonly faces: number;
  readonly variants: number;
}

export interface Pace {
  readonly facesPerSecond: number;
  readonly variantsPerSecond: number;
}

/** From the start of a generation's first shard to its last commit. */
export interface GenerationSpan {
  readonly generation: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface OverallPace extends Pace {
  /** Of the first shard, and when the last one was committed. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** From the first shard's start to the last commit of each generation, what lies between generations left out. */
  readonly workMs: number;
  /** Of generations that have commits, ascending. */
  readonly spans: readonly GenerationSpan[];
  /** Of a shard. */
  readonly longestMs: number;
}

/** Shards that the present pace is judged by at least. */
const RECENT_SHARDS = 50;

/**
 * Nothing in work for more than this many usual pauses between commits, and more than MIN_BREAK_MS, is a break, not the
 * pace.
 */
const BREAK_FACTOR = 20;
const MIN_BREAK_MS = 60_000;

/**
 * The present pace: over the last shards without a break between them. Those of the time that a shard takes, where they
 * are more: workers that began together commit together, and between such moments hardly anything is committed.
 * Undefined while nothing is.
 */
export function recentPace(done: () => Iterable<DoneShard>): Pace | undefined {
  const last = newest(done(), RECENT_SHARDS + 1);
  const [first] = last;
  if (first === undefined) return undefined;
  const end = last.at(-1)!.finishedAt;
  const shardMs = last.reduce((sum, { totalMs }) => sum + totalMs, 0) / last.length;
  // Of few, all count.
  const from =
    last.length > RECENT_SHARDS ? Math.min(first.finishedAt, Math.floor(end - shardMs)) : -Infinity;
  const counted = withoutBreak(from < first.finishedAt ? since(done(), from) : last.slice(1));
  // Where they are the first ones, or the first after a break, their time begins with their own.
  const began = Math.min(...counted.map(({ finishedAt, totalMs }) => finishedAt - totalMs));
  return pace(counted, Math.max(1, end - Math.max(from, began)));
}

/** Those after the last break, of shards in the order of time. */
function withoutBreak(shards: readonly DoneShard[]): readonly DoneShard[] {
  const gaps = shards.slice(1).map((shard, i) => shard.finishedAt - shards[i]!.finishedAt);
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const longest = Math.max(MIN_BREAK_MS, BREAK_FACTOR * usual);
  let from = gaps.length;
  // While the next one was in work, the workers were not away.
  while (from > 0 && gaps[from - 1]! - shards[from]!.totalMs <= longest) from--;
  return shards.slice(from);
}

/** Committed after a moment, in the order of time. */
function since(shards: Iterable<DoneShard>, moment: number): DoneShard[] {
  const found: DoneShard[] = [];
  for (const shard of shards) if (shard.finishedAt > moment) found.push({ ...shard });
  return found.sort((a, b) => a.finishedAt - b.finishedAt);
}

/**
 * Faces and variants over the time of work: from the first shard's start to the last one's end, breaks and all, but
 * without the days or months between generations.
 */
export function overallPace(
  shards: Iterable<DoneShard>,
  generationOf: (shard: number) => number = () => 0,
): OverallPace | undefined {
  const spans = new Map<number, { generation: number; startedAt: number; endedAt: number }>();
  let [longestMs, faces, variants] = [0, 0, 0];
  for (const shard of shards) {
    const { finishedAt, totalMs } = shard;
    const generation = generationOf(shard.shard);
    let span = spans.get(generation);
    if (span === undefined) {
      span = { generation, startedAt: Infinity, endedAt: -Infinity };
      spans.set(generation, span);
    }
    span.startedAt = Math.min(span.startedAt, finishedAt - totalMs);
    span.endedAt = Math.max(span.endedAt, finishedAt);
    faces += shard.faces;
    variants += shard.variants;
    longestMs = Math.max(longestMs, totalMs);
  }
  if (spans.size === 0) return undefined;
  const inTime = [...spans.values()].sort((a, b) => a.startedAt - b.startedAt);
  const startedAt = inTime[0]!.startedAt;
  let [endedAt, workMs] = [startedAt, 0];
  // A retry may begin while the others go on: time of both counts once.
  for (const span of inTime) {
    workMs += Math.max(0, span.endedAt - Math.max(span.startedAt, endedAt));
    endedAt = Math.max(endedAt, span.endedAt);
  }
  const seconds = Math.max(1, workMs) / 1000;
  return {
    startedAt,
    endedAt,
    workMs,
    spans: [...spans.values()].sort((a, b) => a.generation - b.generation),
    longestMs,
    facesPerSecond: faces / seconds,
    variantsPerSecond: variants / seconds,
  };
}

/** Faces a second in `bins` equal pieces of [from, to); a shard's faces are spread evenly over its time. */
export function throughputBins(
  shards: Iterable<DoneShard>,
  from: number,
  to: number,
  bins: number,
): number[] {
  const faces = new Array<number>(bins).fill(0);
  // One shard without a time of its own is a moment and not a span.
  const width = Math.max(1, to - from) / bins;
  for (const shard of shards) {
    const end = shard.finishedAt;
    const start = end - Math.max(1, shard.totalMs);
    const first = Math.max(0, Math.floor((start - from) / width));
    const last = Math.min(bins - 1, Math.floor((end - from) / width));
    for (let bin = first; bin <= last; bin++) {
      const inside = Math.min(end, from + (bin + 1) * width) - Math.max(start, from + bin * width);
      if (inside > 0) faces[bin]! += (shard.faces * inside) / (end - start);
    }
  }
  return faces.map((sum) => (sum * 1000) / width);
}

/** The shards that were committed last, in the order of time. */
function newest(shards: Iterable<DoneShard>, count: number): DoneShard[] {
  const kept: DoneShard[] = [];
  for (const shard of shards) {
    if (kept.length === count && shard.finishedAt <= kept[0]!.finishedAt) continue;
    let at = kept.length;
    while (at > 0 && kept[at - 1]!.finishedAt > shard.finishedAt) at--;
    kept.splice(at, 0, { ...shard });
    if (kept.length > count) kept.shift();
  }
  return kept;
}

function pace(shards: readonly DoneShard[], spanMs: number): Pace {
  const sum = (of: (shard: DoneShard) => number) => shards.reduce((total, shard) => total + of(shard), 0);
  return {
    facesPerSecond: (1000 * sum(({ faces }) => faces)) / spanMs,
    variantsPerSecond: (1000 * sum(({ variants }) => variants)) / spanMs,
  };
}

/**
 * What every bench of `npm run bench` prints: rows of figures, each against its limit, as one line of JSON. A bench is
 * a file of this folder that is run by itself: `node dist/bench/performance/NAME.js [--quick]`. What benches share lies
 * in `shared/`.
 */

/** A figure of one run on one machine against what would be the best there. */
export interface BenchRow {
  readonly what: string;
  /** Median over the rounds, in `unit`. */
  readonly value: number;
  readonly unit: string;
  /** Median over the rounds, in `unit`: what `value` is measured against. */
  readonly limit: number;
  /** What the limit is. */
  readonly limitOf: string;
  /** Median of value / limit of each round. */
  readonly ratio: number;
  /** Wanted of `ratio`. */
  readonly target: number;
  /** True: `ratio` is to be at least the target; false: at most. */
  readonly atLeast: boolean;
  /** Least and greatest ratio of a round. */
  readonly spread: readonly [number, number];
  readonly rounds: number;
}

export interface BenchReport {
  readonly bench: string;
  readonly rows: readonly BenchRow[];
  /** Why a row could not be measured here. */
  readonly skipped: readonly string[];
  /** What else was measured and no target is set for, by name and unit: what models of larger runs are made from. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Names and versions of other people's programs that were measured. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** Value and limit of one round, measured right after one another. */
export interface Round {
  readonly value: number;
  readonly limit: number;
}

type RowFacts = Pick<BenchRow, 'what' | 'unit' | 'limitOf' | 'target' | 'atLeast'>;

/** A figure whose limit is measured beside it in every round. Throws without rounds or with a figure that is none. */
export function ratioRow(facts: RowFacts, rounds: readonly Round[]): BenchRow {
  const ratios = rounds.map(({ value, limit }) => value / limit);
  if (ratios.length === 0 || !ratios.every(Number.isFinite)) {
    throw new Error(
      `expected rounds of finite figures [what=${facts.what}, found=${JSON.stringify(rounds)}]`,
    );
  }
  const { what, unit, limitOf, target, atLeast } = facts;
  return {
    what,
    value: median(rounds.map(({ value }) => value)),
    unit,
    limit: median(rounds.map(({ limit }) => limit)),
    limitOf,
    ratio: median(ratios),
    target,
    atLeast,
    spread: spread(ratios),
    rounds: rounds.length,
  };
}

/** A figure that is wanted to be at least, or at most, a number that is given. */
export function absoluteRow(
  facts: Pick<BenchRow, 'what' | 'unit' | 'atLeast'> & { readonly wanted: number },
  values: readonly number[],
): BenchRow {
  const { what, unit, atLeast, wanted } = facts;
  return ratioRow(
    { what, unit, limitOf: `${atLeast ? 'at least' : 'at most'}, given`, target: 1, atLeast },
    values.map((value) => ({ value, limit: wanted })),
  );
}

export function isMet({ ratio, target, atLeast }: BenchRow): boolean {
  return atLeast ? ratio >= target : ratio <= target;
}

/** The middle value; of an even number, the mean of the two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Least and greatest. */
export function spread(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Whether the smallest sensible run is asked for. */
export function isQuick(): boolean {
  return process.argv.includes('--quick');
}

/** A line of progress, to the terminal. */
export function say(line: string): void {
  process.stderr.write(`  ${line}\n`);
}

/** The last line of standard output; call it once, at the end. */
export function printReport(report: BenchReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

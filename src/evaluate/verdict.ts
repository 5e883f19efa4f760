/** The verdict: does a generator help, by how much, where, where not. Written for a person who reads nothing else. */
import { difference, interval } from './bootstrap.ts';
import type { MeasuredRow } from './evaluateRows.ts';
import type { EvaluationRow, Interval, Verdict } from './result.ts';
import { rivalName } from './rivalName.ts';

/** One verdict a generator; without generators one about the best rival. */
export function verdictsOf(rows: readonly MeasuredRow[]): Verdict[] {
  const generators = rows.filter(({ row }) => row.kind === 'generator');
  if (generators.length === 0) return [verdictOf(undefined, rows)];
  return generators.map((generator) => verdictOf(generator, rows));
}

function verdictOf(generator: MeasuredRow | undefined, rows: readonly MeasuredRow[]): Verdict {
  // Those that run the recogniser again or change the space do something else than a generator.
  const bestRival = best(
    rows.filter(({ row, space = 'latent' }) => row.kind === 'rival' && space === 'latent'),
  );
  const bestAny = best(rows.filter(({ row }) => row.kind === 'rival'));
  const judged = generator ?? bestRival;
  if (judged === undefined) {
    return {
      ...{ rowId: null, bestRivalId: null, againstBestRival: null, postureUsed: null, againstShuffled: null },
      ...{ helps: 'unclear', helpsAt: [], hurtsAt: [], unclearAt: [] },
      text: 'Nothing was compared.',
    };
  }
  const gain = judged.row.metrics.ncm!.difference!;
  const helps = sign(gain);
  const againstBestRival = generator && bestRival ? ncmDifference(generator, bestRival) : null;
  const shuffled = rows.find(
    ({ row, ablation }) => row.of === generator?.row.id && ablation === 'posture-random',
  );
  const againstShuffled = generator && shuffled ? ncmDifference(generator, shuffled) : null;
  const postureUsed = againstShuffled === null ? null : usedPosture(againstShuffled);
  // Too few people: no difference, and nothing is said of the bin.
  const bins = judged.row.byYaw.flatMap((bin) =>
    bin.ncm.difference === undefined ? [] : [{ name: binName(bin), sign: sign(bin.ncm.difference) }],
  );
  const at = (wanted: string) => bins.filter((bin) => bin.sign === wanted).map(({ name }) => name);
  const [helpsAt, hurtsAt, unclearAt] = [at('yes'), at('no'), at('unclear')];
  const none = rows[0]!.row.metrics.ncm!;
  const subject = generator === undefined ? `Best simple rival: ${judged.row.label}` : judged.row.label;
  const sentences = [
    `${subject} ${HELPS[helps]}: identification ${percent(none.value)} → ${percent(judged.row.metrics.ncm!.value)}, ${points(gain)}.`,
    where(helpsAt, hurtsAt),
  ];
  if (generator !== undefined && bestRival !== undefined && againstBestRival !== null) {
    sentences.push(
      `Against the best simple rival, ${rivalName(bestRival.row)}: ${points(againstBestRival)}.`,
    );
  }
  if (bestAny !== undefined && bestAny !== bestRival) {
    sentences.push(
      `Best of all rivals: ${bestAny.row.label}, ${points(bestAny.row.metrics.ncm!.difference!)}.`,
    );
  }
  if (postureUsed === 'no') sentences.push('Posture not used: postures drawn at random do as well.');
  if (postureUsed === 'unclear' && againstShuffled !== null) {
    sentences.push(
      `Whether posture is used cannot be told: against postures drawn at random ${points(againstShuffled)}.`,
    );
  }
  return {
    rowId: generator?.row.id ?? null,
    helps,
    bestRivalId: bestRival?.row.id ?? null,
    againstBestRival,
    postureUsed,
    againstShuffled,
    helpsAt,
    hurtsAt,
    unclearAt,
    text: sentences.filter((sentence) => sentence !== '').join(' '),
  };
}

const HELPS = { yes: 'helps', no: 'hurts', unclear: 'shows no clear effect' } as const;

/** yes / no: the whole interval above / below 0. */
function sign({ low, high }: Interval): 'yes' | 'no' | 'unclear' {
  if (low > 0) return 'yes';
  return high < 0 ? 'no' : 'unclear';
}

/** One point of identification: what true postures may make different while they still score the same as others. */
const SAME = 0.01;

/** no: the interval is narrow enough to say so; one that crosses 0 and is wider says nothing. */
function usedPosture(againstShuffled: Interval): 'yes' | 'no' | 'unclear' {
  const { low, high } = againstShuffled;
  const same = low >= -SAME && high <= SAME;
  const signed = sign(againstShuffled);
  return signed === 'unclear' && same ? 'no' : signed;
}

function best(rows: readonly MeasuredRow[]): MeasuredRow | undefined {
  return rows.reduce<MeasuredRow | undefined>(
    (a, b) => (a === undefined || b.row.metrics.ncm!.value > a.row.metrics.ncm!.value ? b : a),
    undefined,
  );
}

function ncmDifference(a: MeasuredRow, b: MeasuredRow): Interval | null {
  return interval(difference(a.metrics.get('ncm')!, b.metrics.get('ncm')!)) ?? null;
}

function binName({ from, to }: Pick<EvaluationRow['byYaw'][number], 'from' | 'to'>): string {
  return to > 90 ? `${from}°+` : `${from}–${to}°`;
}

function where(helpsAt: readonly string[], hurtsAt: readonly string[]): string {
  const parts = [
    helpsAt.length > 0 ? `It helps at ${helpsAt.join(', ')} of yaw` : '',
    hurtsAt.length > 0 ? `it hurts at ${hurtsAt.join(', ')}` : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) return 'No single range of yaw shows a clear effect.';
  const text = parts.join('; ');
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function points({ value, low, high }: Interval): string {
  const one = (share: number) => `${share >= 0 ? '+' : '−'}${Math.abs(100 * share).toFixed(1)}`;
  return `${one(value)} points (95 % interval ${one(low)} to ${one(high)})`;
}

/** Pairs of enrolled and asked embeddings, compared without and with variants. */
import { dot } from '../../shared/l2.ts';
import type { FacePair, PairList } from './facePair.ts';
import { jackknife, type PairMeasure, type PairStatistic, pairMeasures, scorePairs } from './pairMeasures.ts';
import type { ProtocolResult, ProtocolRow } from './protocolResult.ts';
import { enrolledTemplates, type VariantMaker } from './variantMaker.ts';

/** Entry i of the last four arrays is pair i. */
export interface PairProblem {
  /** Unit length; with variants these are replaced by the direction of their mean. */
  readonly enrolled: readonly Float32Array[];
  /** Unit length; never changed: what maps a probe lands on people of the training. */
  readonly asked: readonly Float32Array[];
  /** Position in `enrolled`, and in `asked`. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly same: Uint8Array;
  readonly fold: Int32Array;
  /** All of them have pairs. */
  readonly folds: number;
}

/** Only folds that have pairs: to leave out an empty one changes nothing, and would make the intervals narrower. */
export function numberFolds(folds: Int32Array | Uint8Array): Pick<PairProblem, 'fold' | 'folds'> {
  const places = new Map([...new Set(folds)].sort((a, b) => a - b).map((fold, i) => [fold, i]));
  return { fold: Int32Array.from(folds, (fold) => places.get(fold)!), folds: places.size };
}

/** The pairs of a list whose photographs both have an embedding. */
export function listProblem({ pairs }: PairList, embeddings: ReadonlyMap<string, Float32Array>): PairProblem {
  const usable = pairs.filter(({ first, second }) => embeddings.has(first) && embeddings.has(second));
  const number = (pathOf: (pair: FacePair) => string) => {
    const paths = [...new Set(usable.map(pathOf))];
    const places = new Map(paths.map((path, i) => [path, i]));
    return {
      vectors: paths.map((path) => embeddings.get(path)!),
      indices: Int32Array.from(usable, (pair) => places.get(pathOf(pair))!),
    };
  };
  const first = number((pair) => pair.first);
  const second = number((pair) => pair.second);
  return {
    enrolled: first.vectors,
    asked: second.vectors,
    first: first.indices,
    second: second.indices,
    same: Uint8Array.from(usable, ({ same }) => Number(same)),
    ...numberFolds(Int32Array.from(usable, ({ fold }) => fold)),
  };
}

/** The row `none` and one row a maker; differences are to none, fold by fold. */
export async function measurePairs(
  problem: PairProblem,
  makers: readonly VariantMaker[],
  signal: AbortSignal,
): Promise<Pick<ProtocolResult, 'measures' | 'rows'>> {
  const none = measuresOf(problem, problem.enrolled);
  const rows = [
    pairRow({ id: 'none', label: 'none', kind: 'none', trainedOn: '' }, none, undefined, problem.folds),
  ];
  for (const maker of makers) {
    signal.throwIfAborted();
    const measures = measuresOf(problem, await enrolledTemplates(maker, problem.enrolled));
    rows.push(pairRow(maker, measures, none, problem.folds));
  }
  return { measures: none.map(({ name, better, meaning }) => ({ name, better, meaning })), rows };
}

function measuresOf(problem: PairProblem, enrolled: readonly Float32Array[]): PairMeasure[] {
  const { asked, first, second, same, fold, folds } = problem;
  const scores = new Float64Array(same.length);
  for (let i = 0; i < scores.length; i++) scores[i] = dot(enrolled[first[i]!]!, asked[second[i]!]!);
  return pairMeasures(scorePairs(scores, same, fold, folds));
}

function pairRow(
  { id, label, kind, trainedOn }: Pick<ProtocolRow, 'id' | 'label' | 'kind' | 'trainedOn'>,
  measures: readonly PairMeasure[],
  none: readonly PairMeasure[] | undefined,
  folds: number,
): ProtocolRow {
  const values: ProtocolRow['values'] = {};
  for (const [i, { name, statistic }] of measures.entries()) {
    const value = jackknife(statistic, folds, [0, 1]);
    if (!Number.isFinite(value.value)) continue;
    const reference: PairStatistic | undefined = none?.[i]?.statistic;
    values[name] =
      reference === undefined
        ? value
        : {
            ...value,
            difference: jackknife((weights) => statistic(weights) - reference(weights), folds, [-1, 1]),
          };
  }
  return { id, label, kind, trainedOn, values };
}

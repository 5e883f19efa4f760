/** The rows of a table in the order in which a person reads them. */
import type { EvaluationRow, RecognizerResult, RowKind } from '../result.ts';

export interface RowGroup {
  readonly title: string;
  readonly rows: readonly EvaluationRow[];
}

const COMPARED: readonly (readonly [RowKind, string])[] = [
  ['none', 'Reference'],
  ['generator', 'Generators: FRA models'],
  ['rival', 'Simple rivals'],
  ['oracle', 'Upper bound: what nobody has'],
];

/** Reference, generators, rivals and bound, each from the best NCM down; ablations and controls are not compared. */
export function comparedGroups({ rows }: RecognizerResult): RowGroup[] {
  return COMPARED.map(([kind, title]) => ({ title, rows: rowsOfKind(rows, kind) })).filter(
    (group) => group.rows.length > 0,
  );
}

/** Rows of one kind, the best NCM first; rows without NCM last. */
export function rowsOfKind(rows: readonly EvaluationRow[], kind: RowKind): EvaluationRow[] {
  return rows
    .filter((row) => row.kind === kind)
    .sort((a, b) => (b.metrics.ncm?.value ?? -1) - (a.metrics.ncm?.value ?? -1));
}

/** Each ablated generator with its ablations. */
export function ablationGroups({ rows }: RecognizerResult): RowGroup[] {
  const ablations = rowsOfKind(rows, 'ablation');
  const models = [...new Set(ablations.map((row) => row.of))];
  return models.map((of) => {
    const whole = rows.filter((row) => row.id === of);
    const parts = ablations.filter((row) => row.of === of);
    return { title: whole[0]?.label ?? 'Without a whole model', rows: [...whole, ...parts] };
  });
}

/** Labels by row id; where two rows have the same label, what they learned from stands behind it. */
export function rowNames(rows: readonly EvaluationRow[]): ReadonlyMap<string, string> {
  return new Map(
    rows.map(({ id, label, trainedOn }) => {
      const twice = rows.some((other) => other.id !== id && other.label === label);
      return [id, twice ? `${label} (${trainedOn})` : label];
    }),
  );
}

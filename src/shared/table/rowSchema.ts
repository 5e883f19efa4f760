/** What a row of a table must hold, by the table's columns: a file may be damaged, or of another version. */
import { z } from 'zod';
import type { ColumnSpec, ScalarType } from './columns.ts';

/** A column of texts or numbers. */
type CellSpec = ColumnSpec & { readonly type: 'utf8' | ScalarType };

type Cell<Spec extends CellSpec> =
  | (Spec['type'] extends 'utf8' ? string : number)
  | (Spec['nullable'] extends true ? null : never);

type CellSchemas<Specs extends readonly CellSpec[]> = {
  [Spec in Specs[number] as Spec['name']]: z.ZodType<Cell<Spec>>;
};

/** For rows as `readColumns` gives them; 64-bit integers become numbers. The keys of its `shape` are the columns. */
export function rowSchema<const Specs extends readonly CellSpec[]>(
  columns: Specs,
): z.ZodObject<CellSchemas<Specs>> {
  const cells = Object.fromEntries(columns.map((column) => [column.name, cellSchema(column)]));
  return z.object(cells) as unknown as z.ZodObject<CellSchemas<Specs>>;
}

function cellSchema({ type, nullable }: CellSpec): z.ZodType<string | number | null> {
  const number = type === 'int64' ? z.union([z.bigint(), z.number()]).transform(Number) : z.number();
  const cell = type === 'utf8' ? z.string() : number;
  return nullable ? cell.nullable() : cell;
}

/** What is computed of items that come again and again: kept, until it would be too much. */
import type { RowTable } from './rowTable.ts';

export interface KeptRows {
  /** Tables by name, and for each item its row in them; good until the next call. */
  of(items: Uint32Array): Promise<{ tables: ReadonlyMap<string, RowTable>; rows: Uint32Array }>;
}

/**
 * @param most items, and values of theirs, that are kept. Where others do not fit, what is kept goes; those of one call
 * always fit.
 * @param make tables of the items that are asked for, by name, a row each.
 */
export function openKeptRows(
  most: { readonly items: number; readonly values: number },
  make: (items: Uint32Array) => Promise<ReadonlyMap<string, RowTable>>,
): KeptRows {
  let tables = new Map<string, RowTable>();
  const rowOf = new Map<number, number>();

  /** Tables like those, with room for at least `items`. */
  function openTables(like: ReadonlyMap<string, RowTable>, items: number): void {
    const each = [...like.values()].reduce((sum, { data, count }) => sum + data.length / count, 0);
    const count = Math.max(items, Math.min(most.items, Math.floor(most.values / each)));
    tables = new Map(
      [...like].map(
        ([
          name,
          {
            data,
            dims: [first = 0, ...others],
            count: made,
          },
        ]) => [
          name,
          {
            data: new Float32Array((data.length / made) * count),
            dims: [(first / made) * count, ...others],
            count,
          },
        ],
      ),
    );
  }

  return {
    async of(items) {
      const wanted = new Set(items);
      const room = [...tables.values()][0]?.count ?? 0;
      const missing = [...wanted].filter((item) => !rowOf.has(item));
      const fits = rowOf.size + missing.length <= room;
      if (!fits) rowOf.clear();
      const added = Uint32Array.from(fits ? missing : wanted);
      if (added.length > 0) {
        const made = await make(added);
        if (added.length > room) openTables(made, added.length);
        for (const [name, { data, count }] of made) {
          tables.get(name)!.data.set(data, rowOf.size * (data.length / count));
        }
        for (const item of added) rowOf.set(item, rowOf.size);
      }
      return { tables, rows: Uint32Array.from(items, (item) => rowOf.get(item)!) };
    },
  };
}

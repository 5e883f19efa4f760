/** What generators are called among the rows of a table: their cards' names are anybody's, rows are found by id. */

/**
 * The name, or the first of name-2, name-3, … of which no row is taken.
 *
 * @param taken ids of all other rows.
 * @param rowsOf ids of the rows that a generator of this id has.
 */
export function generatorId(
  name: string,
  taken: ReadonlySet<string>,
  rowsOf: (id: string) => readonly string[],
): string {
  let id = name;
  for (let n = 2; rowsOf(id).some((row) => taken.has(row)); n++) id = `${name}-${n}`;
  return id;
}

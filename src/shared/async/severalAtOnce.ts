/** The items in groups of `count`, in order; the last may be smaller. A group is there as soon as it is full. */
export async function* severalAtOnce<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  count: number,
): AsyncGenerator<Item[]> {
  let several: Item[] = [];
  for await (const item of items) {
    several.push(item);
    if (several.length < count) continue;
    yield several;
    several = [];
  }
  if (several.length > 0) yield several;
}

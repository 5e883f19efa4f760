/** What differs between what is there and what is asked for, for a person. */

/** `variants: 10 there, 20 asked`, for every key that differs. */
export function differencesOf(
  there: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
): string[] {
  const keys = new Set([...Object.keys(there), ...Object.keys(asked)]);
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  return [...keys]
    .filter((key) => shown(there[key]) !== shown(asked[key]))
    .map((key) => `${key}: ${shown(there[key])} there, ${shown(asked[key])} asked`);
}

/** `{ a: { b: 1 } }` → `{ 'a.b': 1 }` */
export function byPath(value: unknown, path = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [path]: value };
  const inner = Object.entries(value).map(([key, of]) => byPath(of, path === '' ? key : `${path}.${key}`));
  return Object.assign({}, ...inner);
}

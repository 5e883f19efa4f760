/** JSON of which nothing is known: what others wrote, or left half written. A schema decides about the rest. */

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

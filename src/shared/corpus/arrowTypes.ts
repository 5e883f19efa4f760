/**
 * Which columns of an Arrow schema the library cannot read: it refuses the whole file for one of them, and does not say
 * which. Codes of types and slots of a field are those of Arrow's format/Schema.fbs (Apache-2.0).
 */
import type { FlatTable } from '../table/arrowStructure.ts';

const RUN_END_ENCODED = 22;

/** Views of lists, and what came after them. */
const LIST_VIEW = 25;

/** Slots of a field. */
const NAME = 0;
const TYPE = 2;
const CHILDREN = 5;

/** Throws an Error that names the first column of such a type. Takes what `checkSchema` has let pass. */
export function refuseUnreadableTypes(view: DataView, schema: FlatTable | undefined): void {
  for (const field of schema?.tables(1) ?? []) {
    if (!isUnreadable(view, field)) continue;
    throw new Error(
      `the column ${JSON.stringify(nameOf(view, field))} is of a type that cannot be read; leave it out`,
    );
  }
}

function isUnreadable(view: DataView, field: FlatTable): boolean {
  const at = field.at(TYPE);
  const type = at === undefined ? 0 : view.getUint8(at);
  return (
    type === RUN_END_ENCODED ||
    type >= LIST_VIEW ||
    field.tables(CHILDREN).some((child) => isUnreadable(view, child))
  );
}

function nameOf(view: DataView, field: FlatTable): string {
  const at = field.at(NAME);
  if (at === undefined) return '';
  const text = at + view.getUint32(at, true);
  const start = view.byteOffset + text + 4;
  return Buffer.from(view.buffer as ArrayBuffer, start, view.getUint32(text, true)).toString('utf8');
}

/**
 * Label columns: what a corpus says about its photographs beside whose they are, such as `expression` or `session`.
 * Their names and types are fixed once for a corpus, in the run's configuration; a face carries one value for each,
 * in that order. They travel corpus → listing → worker → output table.
 */
import { z } from 'zod';

const LABEL_TYPES = ['string', 'integer', 'number'] as const;
export type LabelType = (typeof LABEL_TYPES)[number];

/** Columns of listings and output tables: no label may be called so, in whatever letters. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set([
  ...[
    'face_id',
    'subject_id',
    'uri',
    'bytes',
    'offset',
    'row',
    'kind',
    'variant',
    'source_face_id',
    'posture_id',
  ],
  ...['yaw', 'pitch', 'roll', 'detection_score', 'similarity', 'faces_found', 'embedding', 'landmarks'],
  ...['posture_code', 'class_index'],
  // No key of an object, as which rows are read: a value set there is lost.
  '__proto__',
]);

const labelColumnSchema = z.strictObject({
  /** Of the output table's column; also of the source's, where the source has names. */
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_ .-]{0,62}$/, {
      error: ({ input }) =>
        `expected letters, digits, _, -, . or spaces, at most 63, found ${JSON.stringify(input)}`,
    })
    // SQL does not tell capitals from small letters: `Kind` would hide `kind`.
    .refine((name) => !RESERVED_COLUMNS.has(name.toLowerCase()), {
      error: ({ input }) =>
        `expected a name that neither listing nor output tables use, in capitals or not, found ${input}`,
    }),
  /** string: UTF-8; integer: within ±(2^53 − 1); number: a finite float64. */
  type: z.enum(LABEL_TYPES),
});

export const labelColumnsSchema = z
  .array(labelColumnSchema)
  .max(64)
  .superRefine((columns, context) => {
    const seen = new Set<string>();
    for (const { name } of columns) {
      if (seen.has(name.toLowerCase())) {
        const message = `expected every name once, in capitals or not, found ${name} again`;
        context.addIssue({ code: 'custom', message });
      }
      seen.add(name.toLowerCase());
    }
  });

export type LabelColumn = z.infer<typeof labelColumnSchema>;

/** Null: the corpus has none for this photograph. */
export type LabelValue = string | number | null;

/** Whether a value may stand in a column of this type. */
export function fitsLabel(type: LabelType, value: LabelValue): boolean {
  if (value === null) return true;
  if (type === 'string') return typeof value === 'string';
  return (
    typeof value === 'number' && (type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value))
  );
}

/** A label from its text, such as a field of a CSV list: nothing is null. Undefined: not of this type. */
export function parseLabel(type: LabelType, text: string): LabelValue | undefined {
  if (type === 'string') return text === '' ? null : text;
  const trimmed = text.trim();
  if (trimmed === '') return null;
  // JavaScript would also take 0x10 and 0b1, which are codes.
  if (!DECIMAL.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return fitsLabel(type, value) ? value : undefined;
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** One `name` or `name:type` of `--label-columns`; the type is undefined where none is said. */
export interface RequestedLabel {
  readonly name: string;
  readonly type: LabelType | undefined;
}

/** `expression,age:integer` → names and types. Undefined: a type that is none. */
export function parseLabelRequest(text: string): RequestedLabel[] | undefined {
  const labels = text.split(',').map((entry): RequestedLabel | undefined => {
    const colon = entry.lastIndexOf(':');
    const name = (colon < 0 ? entry : entry.slice(0, colon)).trim();
    if (colon < 0) return { name, type: undefined };
    const type = LABEL_TYPES.find((known) => known === entry.slice(colon + 1).trim());
    return type && { name, type };
  });
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

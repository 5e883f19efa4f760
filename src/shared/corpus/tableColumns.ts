/** Which columns of a corpus's table say what: those that are named, else the first of the usual names that fits. */
import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import type { FieldKind, SourceField } from './sourceTable.ts';

/** What a run asks for; null: one of the usual names. */
export const tableColumnsSchema = z.strictObject({
  faceId: z.string().min(1).nullable().default(null),
  subjectId: z.string().min(1).nullable().default(null),
  path: z.string().min(1).nullable().default(null),
  image: z.string().min(1).nullable().default(null),
});

export type TableColumnRequest = z.infer<typeof tableColumnsSchema>;

/** The columns of one file. */
export interface CorpusColumns {
  /** Absent: a face is called by its path, or by its file and row. */
  readonly faceId?: string;
  readonly subjectId: string;
  /** Where an image is: in the row, or under a path. */
  readonly image: { readonly column: string; readonly kind: 'bytes' | 'struct' } | { readonly path: string };
}

interface Role {
  readonly option: string;
  /** Of img2dataset, Hugging Face and posecast itself. */
  readonly usual: readonly string[];
  readonly kinds: readonly FieldKind[];
  readonly expected: string;
}

export const TABLE_ROLES = {
  faceId: {
    option: '--face-id-column',
    usual: ['face_id', 'key', '__key__', 'id'],
    kinds: ['text', 'integer'],
    expected: 'text or integers',
  },
  subjectId: {
    option: '--subject-id-column',
    usual: ['subject_id', 'label', 'identity', 'person_id'],
    kinds: ['text', 'integer', 'number'],
    expected: 'text or numbers',
  },
  path: {
    option: '--path-column',
    usual: ['path', 'uri', 'file_name', 'image_path'],
    kinds: ['text'],
    expected: 'text',
  },
  image: {
    option: '--image-column',
    usual: ['image', 'jpg', 'jpeg', 'png', 'webp', 'img'],
    kinds: ['bytes', 'image struct'],
    expected: 'bytes, or a struct with bytes',
  },
} as const satisfies Record<keyof TableColumnRequest, Role>;

/** @throws ConfigError that names the file, the column, and expected and found type. */
export function chooseTableColumns(
  fields: readonly SourceField[],
  request: TableColumnRequest,
  file: string,
): CorpusColumns {
  const find = (name: keyof TableColumnRequest): SourceField | undefined => {
    const role: Role = TABLE_ROLES[name];
    const asked = request[name];
    if (asked === null) {
      const usual = role.usual.map((usual) => fields.find((field) => field.name === usual));
      return usual.find((field) => field !== undefined && role.kinds.includes(field.kind));
    }
    const field = fields.find((field) => field.name === asked);
    if (field !== undefined && role.kinds.includes(field.kind)) return field;
    throw new ConfigError(
      'bad-table',
      `table: ${role.option}: expected a column of ${role.expected}, found ${field?.type ?? 'no such column'}`,
      { file, column: asked, columns: describe(fields) },
    );
  };
  const missing = (...names: (keyof TableColumnRequest)[]) => {
    const expected = names.map(
      (name) => `${TABLE_ROLES[name].usual.join(', ')} (${TABLE_ROLES[name].expected})`,
    );
    const options = names.map((name) => TABLE_ROLES[name].option).join(' or ');
    return new ConfigError(
      'bad-table',
      `table: expected a column ${expected.join(' or ')}, found none; ${options} names another`,
      { file, columns: describe(fields) },
    );
  };
  const subjectId = find('subjectId');
  if (subjectId === undefined) throw missing('subjectId');
  const faceId = find('faceId');
  const image = request.path === null ? find('image') : undefined;
  const path = image === undefined ? find('path') : undefined;
  if (image === undefined && path === undefined) throw missing('image', 'path');
  return {
    ...(faceId && { faceId: faceId.name }),
    subjectId: subjectId.name,
    image:
      image === undefined
        ? { path: (path as SourceField).name }
        : { column: image.name, kind: image.kind === 'bytes' ? 'bytes' : 'struct' },
  };
}

function describe(fields: readonly SourceField[]): string {
  return fields.map(({ name, type }) => `${name}: ${type}`).join('; ');
}

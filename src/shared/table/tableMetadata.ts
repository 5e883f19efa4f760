/**
 * What every table says about itself, so that a file found alone still explains itself: one JSON text under the
 * key `posecast`, as pandas and Hugging Face do. One key and not several, because the Parquet writer keeps them in
 * an unordered map: with one, equal tables are equal bytes.
 */
import { z } from 'zod';
import { describeIssues } from '../config.ts';
import { IntegrityError } from '../errors.ts';
import { type LabelColumn, labelColumnsSchema } from '../labels/labelColumns.ts';
import { TABLE_SCHEMA_VERSION } from './tables.ts';

const TABLE_METADATA_KEY = 'posecast';

const tableMetadataSchema = z.strictObject({
  schemaVersion: z.literal(TABLE_SCHEMA_VERSION),
  kind: z.enum(['embeddings', 'rejects', 'subjects']),
  runId: z.string().min(1),
  /** The recogniser's name, and the SHA-256 (hex) of its weights. */
  recognizer: z.string().min(1),
  recognizerDigest: z.string().min(1),
  normalization: z.literal('l2'),
  /** Columns that hold labels of the corpus; absent where there are none. */
  labelColumns: labelColumnsSchema.min(1).optional(),
});

export type TableMetadata = z.infer<typeof tableMetadataSchema>;

export function tableMetadata(
  identity: Pick<TableMetadata, 'kind' | 'runId' | 'recognizer' | 'recognizerDigest'>,
  labelColumns: readonly LabelColumn[] = [],
): TableMetadata {
  const labels = labelColumns.length === 0 ? {} : { labelColumns: [...labelColumns] };
  return { schemaVersion: TABLE_SCHEMA_VERSION, ...identity, normalization: 'l2', ...labels };
}

/** The metadata as the file's key-value pairs. */
export function metadataEntries(metadata: TableMetadata): Map<string, string> {
  return new Map([[TABLE_METADATA_KEY, JSON.stringify(metadata)]]);
}

/** Reads a file's key-value pairs; IntegrityError when the file is not a posecast table of this version. */
export function parseTableMetadata(entries: ReadonlyMap<string, string>, key: string): TableMetadata {
  const text = entries.get(TABLE_METADATA_KEY);
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch (error) {
    throw new IntegrityError('bad-table-metadata', 'table has no posecast metadata', { key }, error);
  }
  const parsed = tableMetadataSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-table-metadata', `table metadata: ${describeIssues(parsed.error)}`, { key });
}

/** `--label-columns` → the run's label columns: what each format can say of its photographs. */
import { KDEF_LABEL_COLUMNS, KDEF_LABELS } from '../../producer/readers/kdef.ts';
import { RECORD_LABEL } from '../../producer/readers/recordIo.ts';
import type { RunConfig } from '../../shared/config.ts';
import { describeIssues } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import {
  type LabelColumn,
  type LabelType,
  labelColumnsSchema,
  parseLabelRequest,
  type RequestedLabel,
} from '../../shared/labels/labelColumns.ts';

/**
 * The columns that are asked for, each with its type. Default: none; of KDEF, session, emotion and angle.
 * @throws ConfigError when a name or a type cannot be, or when the format has no such label.
 */
export function labelColumns(
  text: string | undefined,
  corpusFormat: RunConfig['corpusFormat'],
): readonly LabelColumn[] {
  if (text === undefined) return corpusFormat === 'kdef' ? KDEF_LABEL_COLUMNS : [];
  const requested = parseLabelRequest(text);
  if (requested === undefined) {
    throw badLabels('expected name or name:type with the type string, integer or number', text);
  }
  const columns = requested.map((label) => ({ name: label.name, type: typeOf(label, corpusFormat) }));
  const parsed = labelColumnsSchema.safeParse(columns);
  if (parsed.success) return parsed.data;
  // The problem names the label: its place in the list says nothing.
  throw badLabels(
    describeIssues(parsed.error, () => 'a label'),
    text,
  );
}

function typeOf({ name, type }: RequestedLabel, corpusFormat: RunConfig['corpusFormat']): LabelType {
  const expectType = (expected: LabelType) => {
    if (type === undefined || type === expected) return expected;
    throw badLabels(`expected the type ${expected}, found ${type}`, name);
  };
  switch (corpusFormat) {
    case 'folder':
    case 'webdataset':
      throw badLabels(`expected a list, a table, RecordIO or KDEF, found ${corpusFormat}`, name);
    case 'kdef':
      if (KDEF_LABELS.some((known) => known === name)) return expectType('string');
      throw badLabels(`expected some of ${KDEF_LABELS.join(', ')} for KDEF`, name);
    case 'recordio':
      if (RECORD_LABEL.test(name)) return expectType(name === 'path' ? 'string' : 'number');
      throw badLabels('expected path, or label_1, label_2 … for a RecordIO archive', name);
    case 'csv':
    case 'parquet':
    case 'arrow':
      return type ?? 'string';
  }
}

function badLabels(problem: string, found: string): ConfigError {
  return new ConfigError('bad-option', `--label-columns: ${problem}`, { found });
}

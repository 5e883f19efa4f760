/** The options that say what a corpus is, of every command that reads one. */
import { type Command, Option } from 'commander';
import type { CorpusConfig } from '../../producer/readers/corpusReader.ts';
import { parseSubjectRule, SUBJECT_RULES } from '../../producer/readers/webdataset/subjectRule.ts';
import { CORPUS_FORMATS, describeIssues, type RunConfig } from '../../shared/config.ts';
import {
  TABLE_ROLES,
  type TableColumnRequest,
  tableColumnsSchema,
} from '../../shared/corpus/tableColumns.ts';
import { isTableFormat } from '../../shared/corpus/tableFormat.ts';
import { ConfigError } from '../../shared/errors.ts';
import { type CorpusPlaceFlags, locateCorpus } from './corpusPlace.ts';

/** What commander makes of the options. */
export interface CorpusFlags extends CorpusPlaceFlags {
  readonly followLinks?: boolean | undefined;
  readonly subjectFrom?: string | null | undefined;
  readonly readBrokenArchives?: boolean | undefined;
  readonly faceIdColumn?: string | undefined;
  readonly subjectIdColumn?: string | undefined;
  readonly pathColumn?: string | undefined;
  readonly imageColumn?: string | undefined;
}

/** Ends in the group 'What goes in:', for options that a command has besides. */
export function addCorpusOptions(command: Command): Command {
  return command
    .optionsGroup('What goes in:')
    .addOption(
      new Option('--corpus-format <name>', 'what CORPUS is (default: what its name and place say)').choices(
        CORPUS_FORMATS,
      ),
    )
    .option(
      '--image-root <folder>',
      "what a list's paths are relative to, a folder or s3://bucket/prefix (default: the list's folder)",
    )
    .option(
      '--follow-links',
      'read links that lead out of the corpus (default: such photographs are rejected)',
    )
    .option(
      '--subject-from <rule>',
      `archives: what names the person: ${SUBJECT_RULES} (default: what the first samples suggest)`,
    )
    .option(
      '--read-broken-archives',
      'read a truncated or damaged archive up to the damage (default: it is refused)',
    )
    .optionsGroup('Columns of a Parquet or Arrow table:')
    .option('--face-id-column <name>', usualNames('faceId', 'the path, or file and row'))
    .option('--subject-id-column <name>', usualNames('subjectId'))
    .option('--path-column <name>', usualNames('path'))
    .option('--image-column <name>', usualNames('image'))
    .optionsGroup('What goes in:');
}

/** A corpus as its options say: where it is and how it is read. */
export type AskedCorpus = CorpusConfig & Pick<RunConfig, 'tableColumns'>;

/**
 * CORPUS and options → the corpus, paths made absolute.
 * @throws ConfigError when the corpus is not there or an option does not fit it.
 */
export async function corpusFromOptions(corpus: string, flags: CorpusFlags): Promise<AskedCorpus> {
  const place = await locateCorpus(corpus, flags);
  const { followLinks, readBrokenArchives, subjectFrom } = flags;
  if (subjectFrom != null) {
    if (place.corpusFormat !== 'webdataset') {
      throw new ConfigError('bad-option', '--subject-from: expected with archives only', { ...place });
    }
    parseSubjectRule(subjectFrom);
  }
  return {
    ...place,
    ...(followLinks !== undefined && { followLinks }),
    ...(readBrokenArchives !== undefined && { readBrokenArchives }),
    ...(subjectFrom !== undefined && { subjectFrom }),
    tableColumns: tableColumns(flags, place.corpusFormat),
  };
}

const COLUMN_OPTIONS = ['faceIdColumn', 'subjectIdColumn', 'pathColumn', 'imageColumn'] as const;

/** Of options that several corpora share, those that a corpus of this format has. */
export function optionsOfFormat<Flags extends CorpusFlags>(
  flags: Flags,
  corpusFormat: RunConfig['corpusFormat'],
): Partial<Flags> {
  const foreign: readonly string[] = [
    ...(corpusFormat === 'webdataset' ? [] : ['subjectFrom']),
    ...(isTableFormat(corpusFormat) ? [] : COLUMN_OPTIONS),
  ];
  return Object.fromEntries(
    Object.entries(flags).filter(([name]) => !foreign.includes(name)),
  ) as Partial<Flags>;
}

/** @throws ConfigError when columns are named for a corpus that is no table. */
function tableColumns(flags: CorpusFlags, corpusFormat: RunConfig['corpusFormat']): TableColumnRequest {
  const { faceIdColumn, subjectIdColumn, pathColumn, imageColumn } = flags;
  const named = { faceId: faceIdColumn, subjectId: subjectIdColumn, path: pathColumn, image: imageColumn };
  const asked = Object.values(named).find((column) => column !== undefined);
  if (asked !== undefined && !isTableFormat(corpusFormat)) {
    throw new ConfigError(
      'bad-option',
      '--face-id-column, --subject-id-column, --path-column, --image-column: expected with a table only',
      {
        column: asked,
        corpusFormat,
      },
    );
  }
  if (pathColumn !== undefined && imageColumn !== undefined) {
    throw new ConfigError(
      'bad-option',
      '--image-column: expected without --path-column: an image is in a column or under a path',
      { pathColumn, imageColumn },
    );
  }
  const given = Object.fromEntries(Object.entries(named).filter(([, column]) => column !== undefined));
  const parsed = tableColumnsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ConfigError('bad-option', `columns of a table: ${describeIssues(parsed.error)}`);
}

/** The help of an option that names a column of a table. */
function usualNames(role: keyof typeof TABLE_ROLES, otherwise?: string): string {
  const { usual, expected } = TABLE_ROLES[role];
  const last = otherwise === undefined ? '' : `, else ${otherwise}`;
  return `${expected} (default: the first of ${usual.join(', ')}${last})`;
}

/** The options that say what a run is: shared by `run` and `submit`, parsed once into a RunConfig. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseSubjectRule, SUBJECT_RULES } from '../producer/readers/webdataset/subjectRule.ts';
import {
  CORPUS_FORMATS,
  EMBEDDING_TYPES,
  POSE_POLICIES,
  parseRunConfig,
  type RunConfig,
  type RunConfigInput,
  TABLE_FORMATS,
} from '../shared/config.ts';
import { TABLE_ROLES } from '../shared/corpus/tableColumns.ts';
import { ConfigError } from '../shared/errors.ts';
import { locateCorpus } from './corpusPlace.ts';
import { labelColumns } from './labelOptions.ts';

/** What commander makes of the options; absent ones take the defaults of `parseRunConfig`. */
export type RunFlags = Partial<
  Omit<RunConfigInput, 'corpus' | 'minSimilarity' | 'shardBytes' | 'labelColumns' | 'tableColumns'>
> & {
  readonly minSimilarity?: number;
  readonly shardMegabytes?: number;
  readonly labelColumns?: string;
  readonly faceIdColumn?: string;
  readonly subjectIdColumn?: string;
  readonly pathColumn?: string;
  readonly imageColumn?: string;
};

/** The defaults, for the help text. */
const DEFAULTS = parseRunConfig({ corpus: '/', corpusFormat: 'folder', imageRoot: '/' });

export function addRunOptions(command: Command): Command {
  const withDefault = (text: string, value: unknown) => `${text} (default: ${value})`;
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
    .option('--aligned', 'images are aligned 112×112 crops (MS1MV3, Glint360K): nothing is detected')
    .option(
      '--follow-links',
      'read links that lead out of the corpus (default: such photographs are rejected)',
    )
    .option(
      '--label-columns <list>',
      'labels that the output tables carry, such as expression,age:integer (default: none; of KDEF session,emotion,angle)',
    )
    .option(
      '--subject-from <rule>',
      `archives: what names the person: ${SUBJECT_RULES} (default: what the first samples suggest)`,
    )
    .option(
      '--read-broken-archives',
      'take what lies before the damage of a truncated or damaged archive (default: it is refused)',
    )
    .optionsGroup('Columns of a Parquet or Arrow table:')
    .option('--face-id-column <name>', usualNames('faceId', 'the path, or file and row'))
    .option('--subject-id-column <name>', usualNames('subjectId'))
    .option('--path-column <name>', usualNames('path'))
    .option('--image-column <name>', usualNames('image'))
    .optionsGroup('Models:')
    .option('--detector <name>', withDefault('fr-detect, mtcnn or yunet', DEFAULTS.detector))
    .option('--recognizer <name>', withDefault('recogniser of the registry', DEFAULTS.recognizer))
    .option('--fra <name>', 'FRA model: a shipped name or a folder (default: the one of the recogniser)')
    .optionsGroup('What is generated:')
    .option('--variants <n>', withDefault('embeddings generated per person', DEFAULTS.variants), number)
    .addOption(
      new Option('--policy <name>', withDefault('how target poses are chosen', DEFAULTS.policy)).choices(
        POSE_POLICIES,
      ),
    )
    .option(
      '--min-similarity <cosine>',
      "drop variants below this similarity to their person's centroid (default: the FRA model's own)",
      number,
    )
    .option('--seed <n>', withDefault('the same seed gives the same variants', DEFAULTS.seed), number)
    .optionsGroup('What comes out:')
    .addOption(
      new Option('--format <name>', withDefault('table format', DEFAULTS.format)).choices(TABLE_FORMATS),
    )
    .addOption(
      new Option('--embedding-type <name>', withDefault('number type', DEFAULTS.embeddingType)).choices(
        EMBEDDING_TYPES,
      ),
    )
    .option('--with-landmarks', 'also write the 68 landmarks of real faces')
    .option('--with-posture-code', 'also write posture codes')
    .option('--shard-faces <n>', withDefault('faces per shard', DEFAULTS.shardFaces), number)
    .option(
      '--shard-megabytes <n>',
      withDefault('image megabytes per shard', DEFAULTS.shardBytes / 2 ** 20),
      number,
    )
    .optionsGroup('Options:');
}

/**
 * CORPUS and options → the run's configuration, paths made absolute.
 * @throws ConfigError when the corpus is not there or an option's value cannot be.
 */
export async function runConfigFromOptions(corpus: string, flags: RunFlags): Promise<RunConfig> {
  const place = await locateCorpus(corpus, flags);
  if (flags.subjectFrom != null) {
    if (place.corpusFormat !== 'webdataset') {
      throw new ConfigError('bad-option', '--subject-from: expected with archives only', { ...place });
    }
    parseSubjectRule(flags.subjectFrom);
  }
  const { shardMegabytes, ...rest } = pickRunFlags(flags);
  return parseRunConfig({
    ...rest,
    // Each recogniser has a FRA model of its own name.
    fra: flags.fra ?? flags.recognizer ?? DEFAULTS.fra,
    ...place,
    labelColumns: labelColumns(flags.labelColumns, place.corpusFormat),
    tableColumns: tableColumns(flags, place.corpusFormat),
    ...(shardMegabytes !== undefined && { shardBytes: Math.round(shardMegabytes * 2 ** 20) }),
  });
}

/** @throws ConfigError when columns are named for a corpus that is no table. */
function tableColumns(
  flags: RunFlags,
  corpusFormat: RunConfig['corpusFormat'],
): RunConfigInput['tableColumns'] {
  const { faceIdColumn, subjectIdColumn, pathColumn, imageColumn } = flags;
  const named = { faceId: faceIdColumn, subjectId: subjectIdColumn, path: pathColumn, image: imageColumn };
  const asked = Object.values(named).find((column) => column !== undefined);
  if (asked !== undefined && corpusFormat !== 'parquet' && corpusFormat !== 'arrow') {
    throw new ConfigError(
      'bad-option',
      '--face-id-column, --subject-id-column, --path-column, --image-column: expected with a table only',
      {
        column: asked,
        corpusFormat,
      },
    );
  }
  return Object.fromEntries(Object.entries(named).filter(([, column]) => column !== undefined));
}

/** The help of an option that names a column of a table. */
function usualNames(role: keyof typeof TABLE_ROLES, otherwise?: string): string {
  const { usual, expected } = TABLE_ROLES[role];
  const last = otherwise === undefined ? '' : `, else ${otherwise}`;
  return `${expected} (default: the first of ${usual.join(', ')}${last})`;
}

/** The run's options among all of a command's. */
function pickRunFlags(flags: RunFlags): RunFlags {
  const names = [...Object.keys(DEFAULTS), 'shardMegabytes'] as const;
  const entries = names.flatMap((name) => {
    const value = flags[name as keyof RunFlags];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries) as RunFlags;
}

/** Text → number; ranges are `parseRunConfig`'s business. */
function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}

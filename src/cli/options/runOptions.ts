/** The options that say what a run is: shared by `run` and `submit`, parsed once into a RunConfig. */
import { type Command, Option } from 'commander';
import { recordedFraModel } from '../../fra/fraModel.ts';
import {
  describeIssues,
  EMBEDDING_TYPES,
  POSE_POLICIES,
  parseRunConfig,
  type RunConfig,
  type RunConfigInput,
  runConfigSchema,
  TABLE_FORMATS,
} from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import { optionOfFlag } from '../output/commandLine.ts';
import { addCorpusOptions, type CorpusFlags, corpusFromOptions } from './corpusOptions.ts';
import { labelColumns } from './labelOptions.ts';
import { fraOption } from './modelOptions.ts';
import { cosineSimilarity, megabytes, seed, shardFaces, variants } from './optionValues.ts';

/** What commander makes of the options; absent ones take the defaults of `parseRunConfig`. */
export type RunFlags = Partial<
  Omit<
    RunConfigInput,
    'corpus' | 'minSimilarity' | 'shardBytes' | 'labelColumns' | 'tableColumns' | keyof CorpusFlags
  >
> &
  CorpusFlags & {
    readonly minSimilarity?: number;
    readonly shardMegabytes?: number;
    readonly labelColumns?: string;
  };

/** The defaults, for the help text. */
const DEFAULTS = parseRunConfig({ corpus: '/', corpusFormat: 'folder', imageRoot: '/' });

export function addRunOptions(command: Command): Command {
  const withDefault = (text: string, value: unknown) => `${text} (default: ${value})`;
  return addCorpusOptions(command)
    .option('--aligned', 'images are aligned 112×112 crops (MS1MV3, Glint360K): nothing is detected')
    .option(
      '--label-columns <list>',
      'labels that the output tables carry, such as expression,age:integer (default: none; for KDEF session,emotion,angle)',
    )
    .optionsGroup('Models:')
    .option('--detector <name>', withDefault('fr-detect, mtcnn or yunet', DEFAULTS.detector))
    .option('--recognizer <name>', withDefault('recogniser of the registry', DEFAULTS.recognizer))
    .addOption(fraOption())
    .optionsGroup('What is generated:')
    .option('--variants <n>', withDefault('embeddings generated per person', DEFAULTS.variants), variants)
    .addOption(
      new Option('--policy <name>', withDefault('how target poses are chosen', DEFAULTS.policy)).choices(
        POSE_POLICIES,
      ),
    )
    .option(
      '--min-similarity <cosine>',
      "drop variants below this similarity to their person's centroid (default: the FRA model's own)",
      cosineSimilarity,
    )
    .option('--seed <n>', withDefault('the same seed gives the same variants', DEFAULTS.seed), seed)
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
    .option('--with-posture-code', 'also compute posture codes of real faces, and write those of all rows')
    .option(
      '--without-pose',
      'measure no poses, which saves a third of the time: yaw, pitch and roll are null (with --variants 0)',
    )
    .option('--shard-faces <n>', withDefault('faces per shard', DEFAULTS.shardFaces), shardFaces)
    .option(
      '--shard-megabytes <n>',
      withDefault(
        'image megabytes per shard; no limit for lists of paths, which give no sizes',
        DEFAULTS.shardBytes / 2 ** 20,
      ),
      megabytes,
    )
    .optionsGroup('Options:');
}

/**
 * CORPUS and options → the run's configuration, paths made absolute.
 * @throws ConfigError when the corpus is not there or an option's value cannot be.
 */
export async function runConfigFromOptions(corpus: string, flags: RunFlags): Promise<RunConfig> {
  const asked = await corpusFromOptions(corpus, flags);
  const { shardMegabytes, ...rest } = pickRunFlags(flags);
  const parsed = runConfigSchema.safeParse({
    ...rest,
    fra: recordedFraModel(flags.fra, flags.recognizer ?? DEFAULTS.recognizer),
    ...asked,
    labelColumns: labelColumns(flags.labelColumns, asked.corpusFormat),
    ...(shardMegabytes !== undefined && { shardBytes: Math.round(shardMegabytes * 2 ** 20) }),
  });
  if (parsed.success) return parsed.data;
  throw new ConfigError('bad-option', describeIssues(parsed.error, optionOfField));
}

function optionOfField([name]: readonly PropertyKey[]): string {
  return name === 'shardBytes' ? '--shard-megabytes' : optionOfFlag(String(name));
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

/** The options that say what a run is: shared by `run` and `submit`, parsed once into a RunConfig. */
import { stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  EMBEDDING_TYPES,
  POSE_POLICIES,
  parseRunConfig,
  type RunConfig,
  type RunConfigInput,
  TABLE_FORMATS,
} from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';

/** What commander makes of the options; absent ones take the defaults of `parseRunConfig`. */
export type RunFlags = Partial<
  Omit<RunConfigInput, 'corpus' | 'corpusFormat' | 'minSimilarity' | 'shardBytes'>
> & { readonly minSimilarity?: number; readonly shardMegabytes?: number };

/** The defaults, for the help text. */
const DEFAULTS = parseRunConfig({ corpus: '/', corpusFormat: 'folder', imageRoot: '/' });

export function addRunOptions(command: Command): Command {
  const withDefault = (text: string, value: unknown) => `${text} (default: ${value})`;
  return command
    .optionsGroup('What goes in:')
    .option('--image-root <folder>', "what a .csv list's paths are relative to (default: the list's folder)")
    .option('--aligned', 'images are aligned 112×112 crops (MS1MV3, Glint360K): nothing is detected')
    .option(
      '--follow-links',
      'read links that lead out of the corpus (default: such photographs are rejected)',
    )
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
  const path = resolve(corpus);
  const corpusFormat = await corpusFormatOf(path);
  if (corpusFormat === 'folder' && flags.imageRoot !== undefined) {
    throw new ConfigError('bad-option', '--image-root: expected with a .csv list only', { corpus: path });
  }
  const imageRoot = corpusFormat === 'folder' ? path : resolve(flags.imageRoot ?? dirname(path));
  if (!(await stat(imageRoot).catch(() => undefined))?.isDirectory()) {
    throw new ConfigError('no-image-root', '--image-root: expected a folder, found none', {
      path: imageRoot,
    });
  }
  const { shardMegabytes, ...rest } = pickRunFlags(flags);
  return parseRunConfig({
    ...rest,
    // Each recogniser has a FRA model of its own name.
    fra: flags.fra ?? flags.recognizer ?? DEFAULTS.fra,
    corpus: path,
    corpusFormat,
    imageRoot,
    ...(shardMegabytes !== undefined && { shardBytes: Math.round(shardMegabytes * 2 ** 20) }),
  });
}

/** @throws ConfigError when there is nothing at the path, or something else than a folder or a .csv list. */
export async function corpusFormatOf(path: string): Promise<RunConfig['corpusFormat']> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new ConfigError('no-corpus', 'CORPUS: expected a folder or a .csv list, found nothing', { path });
  }
  if (found.isDirectory()) return 'folder';
  if (found.isFile() && extname(path).toLowerCase() === '.csv') return 'csv';
  throw new ConfigError('bad-corpus', 'CORPUS: expected a folder or a .csv list, found another file', {
    path,
  });
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

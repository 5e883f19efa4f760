/** Which format a corpus has, and where it lies: by what is asked for, else by what is found. */
import { type Stats, statSync } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { TABLE_EXTENSIONS, tableFolder } from '../../producer/readers/tableFiles.ts';
import { CORPUS_FORMATS, type RunConfig } from '../../shared/config.ts';
import { archiveRoot, expandArchives, isPattern, mapParts } from '../../shared/corpus/archivePattern.ts';
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import { isForbidden, notReadable } from '../../shared/store/systemErrors.ts';

type CorpusFormat = RunConfig['corpusFormat'];

/** Where a corpus is, absolute: the part of a run's configuration that depends on the machine. */
export type CorpusPlace = Pick<RunConfig, 'corpus' | 'corpusFormat' | 'imageRoot'>;

export interface CorpusPlaceFlags {
  readonly corpusFormat?: CorpusFormat | undefined;
  readonly imageRoot?: string | undefined;
}

/** By which names each format is found. */
const EXTENSIONS: Readonly<Record<CorpusFormat, readonly string[]>> = {
  folder: [],
  csv: ['.csv'],
  webdataset: ['.tar'],
  recordio: ['.rec'],
  parquet: TABLE_EXTENSIONS.parquet,
  arrow: TABLE_EXTENSIONS.arrow,
  kdef: [],
};

/** Formats with paths of images, which --image-root may be the root of. */
const LISTS: readonly CorpusFormat[] = ['csv', 'parquet', 'arrow'];

/** For messages and help. */
export const CORPUS_KINDS =
  'a folder or s3://bucket/prefix with a folder per person, a .csv list, Parquet or Arrow tables, WebDataset tars, or ' +
  'a RecordIO .rec';

/**
 * CORPUS as the user wrote it → its format and absolute places.
 * @throws ConfigError when nothing is there or it may not be read, when the format cannot be told, or when the two do not
 * fit.
 */
export function locateCorpus(text: string, flags: CorpusPlaceFlags): Promise<CorpusPlace> {
  return locate(text, flags).catch(notReadable('CORPUS'));
}

async function locate(text: string, flags: CorpusPlaceFlags): Promise<CorpusPlace> {
  const corpus = mapParts(text, (part) => absolute(part, 'CORPUS', text));
  const corpusFormat = flags.corpusFormat ?? (await detectFormat(corpus));
  const isList = LISTS.includes(corpusFormat);
  if (!isList && flags.imageRoot !== undefined) {
    throw new ConfigError('bad-option', '--image-root: expected with a list only', { corpus, corpusFormat });
  }
  const imageRoot = absolute(flags.imageRoot ?? (await imageFolder(corpus, corpusFormat)), '--image-root');
  if (!isS3Uri(imageRoot) && !(await statOf(imageRoot))?.isDirectory()) {
    const option = isList ? '--image-root' : 'CORPUS';
    throw new ConfigError('no-image-root', `${option}: expected a folder, found none`, { path: imageRoot });
  }
  return { corpus, corpusFormat, imageRoot };
}

/** @throws ConfigError when there is nothing at the place, or something whose format its name does not tell. */
async function detectFormat(corpus: string): Promise<CorpusFormat> {
  // Braces may hold whole names.
  const name = expandArchives(corpus).at(-1) ?? '';
  const byName = formatByName(name);
  if (byName === undefined && /\.(tar\.\w+|tgz|tbz2?|txz|tzst)$/i.test(name)) {
    throw new ConfigError(
      'bad-corpus',
      'CORPUS: expected plain tars, found a compressed one: its members cannot be read by themselves; decompress it',
      { corpus },
    );
  }
  if (isS3Uri(corpus)) return byName ?? 'folder';
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(corpus)) {
    throw new ConfigError('bad-corpus', 'CORPUS: expected a path or s3://, found another scheme', { corpus });
  }
  // Several archives: whether all of them are there is seen when they are listed.
  if (byName !== undefined && isPattern(corpus)) return byName;
  const found = await statOf(corpus);
  if (found === undefined) {
    throw new ConfigError('no-corpus', `CORPUS: expected ${CORPUS_KINDS}, found nothing`, { path: corpus });
  }
  if (found.isDirectory()) return (await severalFiles(corpus)) ?? 'folder';
  if (found.isFile() && byName !== undefined) return byName;
  throw new ConfigError(
    'bad-corpus',
    `CORPUS: expected ${CORPUS_KINDS}, found another file; --corpus-format says what it is`,
    { path: corpus },
  );
}

/** Undefined: nothing is there, or the path cannot be one. Throws the system's error when it may not be looked at. */
async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: unknown) => {
    if (isForbidden(error)) throw error;
    return undefined;
  });
}

/** What img2dataset and Hugging Face leave: tars or tables and small files beside them, no folder of a person. */
async function severalFiles(folder: string): Promise<CorpusFormat | undefined> {
  const found = new Set<CorpusFormat | undefined>();
  for await (const entry of await opendir(folder)) {
    if (entry.name.startsWith('.')) continue;
    // Hugging Face's cache holds links to its files.
    const isFile = entry.isSymbolicLink() ? await leadsToFile(join(folder, entry.name)) : entry.isFile();
    if (!isFile) return undefined;
    found.add(formatByName(entry.name));
  }
  // Beside its tars img2dataset leaves tables of what it did.
  return (['webdataset', 'parquet', 'arrow'] as const).find((format) => found.has(format));
}

async function leadsToFile(link: string): Promise<boolean> {
  return (await stat(link).catch(() => undefined))?.isFile() === true;
}

function formatByName(corpus: string): CorpusFormat | undefined {
  const extension = extname(corpus).toLowerCase();
  return CORPUS_FORMATS.find((format) => EXTENSIONS[format].includes(extension));
}

async function imageFolder(corpus: string, corpusFormat: CorpusFormat): Promise<string> {
  switch (corpusFormat) {
    case 'folder':
    case 'kdef':
      return corpus;
    case 'csv':
    case 'recordio':
      return parentOf(corpus);
    case 'webdataset':
      return rootOfArchives(corpus);
    case 'parquet':
    case 'arrow':
      return tableFolder(corpus, corpusFormat);
  }
}

/** A pattern names several archives; a folder, all that lie in it. */
function rootOfArchives(corpus: string): string {
  const found = isS3Uri(corpus) ? undefined : statSync(corpus, { throwIfNoEntry: false });
  if (found?.isDirectory()) return corpus;
  if (found?.isFile() || isPattern(corpus) || formatByName(corpus) === 'webdataset')
    return archiveRoot(corpus);
  return corpus;
}

/**
 * A scheme is left for `detectFormat` to judge; s3:// is absolute as it is.
 * @param typed what the place is all or a part of, for the message.
 */
function absolute(place: string, what: 'CORPUS' | '--image-root', typed = place): string {
  // Nothing, as of a variable that is not set, would be the current folder.
  if (place.trim() === '') {
    throw new ConfigError('bad-corpus', `${what}: expected a path or s3://, found nothing`, { found: typed });
  }
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place) ? place.replace(/\/+$/, '') : resolve(place);
}

function parentOf(corpus: string): string {
  return isS3Uri(corpus) ? corpus.slice(0, corpus.lastIndexOf('/')) : dirname(corpus);
}

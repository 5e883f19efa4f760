/** The table files that CORPUS names: one file, those of a pattern, or all that lie in a folder. */
import { stat } from 'node:fs/promises';
import { archiveRoot, isPattern } from '../../shared/corpus/archivePattern.ts';
import type { CorpusSource } from '../../shared/corpus/corpusSource.ts';
import { isS3Uri, openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import type { TableFormat } from '../../shared/corpus/tableFormat.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import { corpusFileNames } from './corpusFileNames.ts';
import { createIgnoredEntries, type IgnoredEntries } from './ignored.ts';
import { savedDataFiles } from './savedDataset.ts';

export const TABLE_EXTENSIONS = {
  parquet: ['.parquet', '.pq'],
  arrow: ['.arrow', '.feather', '.ipc'],
} as const satisfies Record<TableFormat, readonly string[]>;

export interface TableFiles {
  /** The folder that the files lie in. */
  readonly source: CorpusSource;
  /** At least one, relative to the source. */
  readonly uris: readonly string[];
  /** Tables beside them that are none of the corpus. */
  readonly ignored: IgnoredEntries;
}

/** The folder that all table files of a corpus lie in: the corpus itself, or what is before the names. */
export async function tableFolder(corpus: string, format: TableFormat): Promise<string> {
  if (isPattern(corpus)) return archiveRoot(corpus);
  const named = TABLE_EXTENSIONS[format].some((extension) => corpus.toLowerCase().endsWith(extension));
  // Spark and Dask write folders that are called like files.
  const isFolder = isS3Uri(corpus) ? !named : (await stat(corpus).catch(() => undefined))?.isDirectory();
  return isFolder ? corpus : archiveRoot(corpus);
}

/** Whether a table that is put beside the others is one of the corpus: in a folder, or where a wildcard takes it. */
export async function takesNewTables(corpus: string, format: TableFormat): Promise<boolean> {
  if (isPattern(corpus)) return /[*?]/.test(corpus);
  return corpus === (await tableFolder(corpus, format));
}

/**
 * Opens the folder and finds the files.
 * @throws ConfigError when there is no such folder, or no such file in it.
 */
export async function findTables(
  corpus: string,
  format: TableFormat,
  options: { readonly followLinks: boolean; readonly s3?: S3Options | undefined },
): Promise<TableFiles> {
  const folder = await tableFolder(corpus, format);
  const source = await openCorpusSource(folder, options);
  try {
    const { signal } = new AbortController();
    const place = { corpus, imageRoot: folder };
    const uris = await corpusFileNames(place, source, signal, TABLE_EXTENSIONS[format]);
    const ignored = createIgnoredEntries();
    const saved = corpus === folder && format === 'arrow' ? await savedDataFiles(source, signal) : undefined;
    if (saved === undefined) return { source, uris, ignored };
    for (const uri of uris) {
      if (!saved.includes(uri)) ignored.add("not one of the dataset's data files", uri);
    }
    return { source, uris: saved, ignored };
  } catch (error) {
    await source.close();
    throw error;
  }
}

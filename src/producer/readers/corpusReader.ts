/**
 * A corpus as a stream of faces. To add a format: a file beside this one that implements `CorpusReader`, its name
 * in `CORPUS_FORMATS`, its case here, its test.
 */
import type { RunConfig } from '../../shared/config.ts';
import { isS3Uri, openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import { tableColumnsSchema } from '../../shared/corpus/tableColumns.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { S3Options } from '../../shared/store/openStore.ts';
import { openCsvCorpus } from './csv.ts';
import { openFolderCorpus } from './folder.ts';
import { describeIgnored, type IgnoredEntries } from './ignored.ts';
import { kdefCorpus } from './kdef.ts';
import type { OnListed } from './onListed.ts';
import { openRecordIoCorpus } from './recordIo.ts';
import { openS3FolderCorpus } from './s3Folder.ts';
import { openTableCorpus } from './tableCorpus.ts';
import { findTables } from './tableFiles.ts';
import { openWebdatasetCorpus } from './webdataset/webdataset.ts';

export interface CorpusReader {
  /**
   * Every face, in the order of `compareFaces`; memory does not grow with the corpus. Readable once: what the reader
   * holds open is released at its end. Most formats have to be read to their end before the first face is known;
   * `onListed` hears how many have been found.
   */
  faces(signal?: AbortSignal, onListed?: OnListed): AsyncIterable<FaceRecord>;
  /** What was passed over, complete when `faces` has ended. */
  readonly ignored: IgnoredEntries;
  /** What else a person should know of how the corpus was read, complete when `faces` has ended. */
  readonly notes?: readonly string[];
}

/** Lines for a person, complete when `faces` has ended: how the corpus was read, and what was passed over. */
export function readerNotes({ notes = [], ignored }: Pick<CorpusReader, 'notes' | 'ignored'>): string[] {
  return [...notes, ...describeIgnored(ignored)];
}

/** What of a run says what its corpus is. */
export type CorpusConfig = Pick<RunConfig, 'corpus' | 'corpusFormat' | 'imageRoot'> &
  Partial<
    Pick<
      RunConfig,
      'followLinks' | 'readBrokenArchives' | 'subjectFrom' | 'labelColumns' | 'tableColumns' | 'shardFaces'
    >
  >;

export interface OpenCorpusOptions {
  /** How a corpus in an object store is reached. */
  readonly s3?: S3Options | undefined;
}

/** Opens the corpus that a run names. A corpus that is not there is a ConfigError, before anything is read. */
export async function openCorpus(
  config: CorpusConfig,
  options: OpenCorpusOptions = {},
): Promise<CorpusReader> {
  const { labelColumns = [], followLinks = false, readBrokenArchives = false } = config;
  switch (config.corpusFormat) {
    case 'folder':
      if (isS3Uri(config.corpus)) return openS3FolderCorpus(config.corpus, options.s3);
      return openFolderCorpus(config.corpus, { followLinks });
    case 'csv':
      return openCsvCorpus(config.corpus, config.imageRoot, options.s3, labelColumns);
    case 'webdataset':
      return openWebdatasetCorpus(config, options);
    case 'recordio': {
      const source = await openCorpusSource(config.imageRoot, { followLinks, s3: options.s3 });
      const uri = config.corpus.slice(config.corpus.lastIndexOf('/') + 1);
      return openRecordIoCorpus(source, uri, { labelColumns, readBroken: readBrokenArchives });
    }
    case 'parquet':
    case 'arrow': {
      const format = config.corpusFormat;
      return openTableCorpus({
        format,
        tables: await findTables(config.corpus, format, { followLinks, s3: options.s3 }),
        imageRoot: config.imageRoot,
        columns: config.tableColumns ?? tableColumnsSchema.parse({}),
        labelColumns,
        readBroken: readBrokenArchives,
        shardFaces: config.shardFaces ?? Number.POSITIVE_INFINITY,
      });
    }
    case 'kdef':
      return kdefCorpus(await openCorpus({ ...config, corpusFormat: 'folder' }, options), labelColumns);
  }
}

/**
 * The reader of each format. To add a format: a file beside this one that implements `CorpusReader`, its name in
 * `CORPUS_FORMATS`, its case here and wherever the compiler then misses one, its test.
 */
import { isS3Uri, openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import { tableColumnsSchema } from '../../shared/corpus/tableColumns.ts';
import type { CorpusConfig, CorpusReader, OpenCorpusOptions } from './corpusReader.ts';
import { openCsvCorpus } from './csv.ts';
import { openFolderCorpus } from './folder.ts';
import { kdefCorpus } from './kdef.ts';
import { openRecordIoCorpus } from './recordIo.ts';
import { openS3FolderCorpus } from './s3Folder.ts';
import { openTableCorpus } from './tableCorpus.ts';
import { findTables } from './tableFiles.ts';
import { openWebdatasetCorpus } from './webdataset/webdataset.ts';

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

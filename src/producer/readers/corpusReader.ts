/**
 * A corpus as a stream of faces. To add a format: a file beside this one that implements `CorpusReader`, its name
 * in `CORPUS_FORMATS`, its case here, its test.
 */
import type { RunConfig } from '../../shared/config.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { openCsvCorpus } from './csv.ts';
import { openFolderCorpus } from './folder.ts';
import type { IgnoredEntries } from './ignored.ts';

export interface CorpusReader {
  /** Every face, in the order of `compareFaces`; memory does not grow with the corpus. Readable once. */
  faces(signal?: AbortSignal): AsyncIterable<FaceRecord>;
  /** What was passed over, complete when `faces` has ended. */
  readonly ignored: IgnoredEntries;
}

/** Opens the corpus that a run names. A corpus that is not there is a ConfigError, before anything is read. */
export async function openCorpus(
  config: Pick<RunConfig, 'corpus' | 'corpusFormat' | 'imageRoot'> & Partial<Pick<RunConfig, 'followLinks'>>,
): Promise<CorpusReader> {
  switch (config.corpusFormat) {
    case 'folder':
      return openFolderCorpus(config.corpus, { followLinks: config.followLinks ?? false });
    case 'csv':
      return openCsvCorpus(config.corpus, config.imageRoot);
  }
}

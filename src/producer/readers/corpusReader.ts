/** A corpus as a stream of faces: what every reader is, and what it is told. */
import type { RunConfig } from '../../shared/config.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import { describeIgnored, type IgnoredEntries } from './ignored.ts';
import type { OnListed } from './onListed.ts';

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

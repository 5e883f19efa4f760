/** A corpus for commands that work on all of it at once: its photographs listed, and ready to be read. */
import { readerNotes } from '../producer/readers/corpusReader.ts';
import { openCorpus } from '../producer/readers/openCorpus.ts';
import { refuseOutInCorpus } from '../producer/refuseOutInCorpus.ts';
import type { Releasers } from '../shared/async/releasers.ts';
import { openPhotographs, type Photographs } from '../shared/corpus/photographs.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import type { AskedCorpus } from './options/corpusOptions.ts';

export interface ListedCorpus {
  /** In the order of `compareFaces`, in memory. */
  readonly faces: readonly FaceRecord[];
  readonly photographs: Photographs;
}

export interface ListedCorpusOptions {
  /** The folder that the command writes to, absolute: not one in the corpus. */
  readonly out: string;
  readonly s3: S3Options;
  /** Holds for reading the photographs, too. */
  readonly signal: AbortSignal;
  /** Hears what was passed over, and how the corpus was understood. */
  readonly note: (line: string) => void;
  /** Closes the photographs. */
  readonly releasers: Releasers;
}

/**
 * @throws ConfigError when the corpus is not there, is not what it is said to be, has no photograph, or holds OUT.
 */
export async function openListedCorpus(
  asked: AskedCorpus,
  { out, s3, signal, note, releasers }: ListedCorpusOptions,
): Promise<ListedCorpus> {
  await refuseOutInCorpus(asked.corpus, { uri: out }, s3);
  const reader = await openCorpus(asked, { s3 });
  const faces: FaceRecord[] = [];
  for await (const face of reader.faces(signal)) faces.push(face);
  for (const line of readerNotes(reader)) note(line);
  if (faces.length === 0) {
    throw new ConfigError('empty-corpus', 'corpus: expected photographs of people, found none', {
      path: asked.corpus,
      corpusFormat: asked.corpusFormat,
    });
  }
  const photographs = await openPhotographs(asked, { s3, signal });
  releasers.push('photographs', () => photographs.close());
  return { faces, photographs };
}

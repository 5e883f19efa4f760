/** What `posecast bench` reads: a folder with a folder per person, as `posecast run` reads it. */
import { readerNotes } from '../../producer/readers/corpusReader.ts';
import { openFolderCorpus } from '../../producer/readers/folder.ts';
import { isS3Uri, openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { nothingUsable } from '../../worker/measure/nothingUsable.ts';
import { locateCorpus } from '../options/corpusPlace.ts';

export interface BenchCorpus {
  /** Absolute. */
  readonly root: string;
  readonly followLinks: boolean;
}

/** CORPUS as it was written, absolute. @throws ConfigError for what is no folder with a folder per person. */
export async function locateBenchCorpus(text: string): Promise<string> {
  const { corpus, corpusFormat } = await locateCorpus(text, {});
  const found = isS3Uri(corpus) ? 's3' : corpusFormat;
  if (found === 'folder') return corpus;
  throw new ConfigError(
    'bad-corpus',
    `CORPUS: bench takes a folder of this machine with a folder per person; found ${found}`,
    { corpus },
  );
}

/** Every photograph; `note` hears what was passed over. @throws ConfigError for a corpus without one. */
export async function listBenchCorpus(
  { root, followLinks }: BenchCorpus,
  note: (line: string) => void,
): Promise<FaceRecord[]> {
  const records: FaceRecord[] = [];
  const reader = await openFolderCorpus(root, { followLinks });
  for await (const record of reader.faces()) records.push(record);
  for (const line of readerNotes(reader)) note(line);
  if (records.length > 0) return records;
  throw new ConfigError('empty-corpus', 'corpus: expected at least one photograph, found none', {
    path: root,
  });
}

/**
 * The bytes of these photographs; those that a run would reject unread are left out. @throws ConfigError without any.
 */
export async function readPhotographs(
  { root, followLinks }: BenchCorpus,
  records: readonly FaceRecord[],
): Promise<Uint8Array[]> {
  const source = await openCorpusSource(root, { followLinks });
  const { signal } = new AbortController();
  const outcomes = await Promise.all(records.map(({ uri }) => source.read(uri, undefined, signal)));
  await source.close();
  const photographs = outcomes.flatMap((outcome) => (outcome.status === 'ok' ? [outcome.bytes] : []));
  if (photographs.length > 0) return photographs;
  const [first] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.rejection] : []));
  throw nothingUsable(first?.message);
}

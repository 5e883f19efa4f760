/** What `posecast bench` reads: a folder with a folder per person, as `posecast run` reads it. */
import { openFolderCorpus } from '../producer/readers/folder.ts';
import { openCorpusSource } from '../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { nothingUsable } from '../worker/nothingUsable.ts';

export interface BenchCorpus {
  /** Absolute. */
  readonly root: string;
  readonly followLinks: boolean;
}

/** Every photograph. @throws ConfigError for a corpus without one. */
export async function listBenchCorpus({ root, followLinks }: BenchCorpus): Promise<FaceRecord[]> {
  const records: FaceRecord[] = [];
  const reader = await openFolderCorpus(root, { followLinks });
  for await (const record of reader.faces()) records.push(record);
  if (records.length > 0) return records;
  throw new ConfigError('empty-corpus', 'corpus: expected at least one photograph, found none', {
    path: root,
  });
}

/** The bytes of these photographs; those that a run would reject unread are left out. @throws ConfigError without any. */
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

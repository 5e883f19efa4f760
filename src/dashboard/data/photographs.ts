/** The photographs of a run's listing, read as its workers read them; the only place that knows where a corpus lies. */
import type { FaceRecord } from '../../shared/face.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { type ReadOutcome, readImage } from '../../worker/corpusReader.ts';

/** One that cannot be read is a rejection; a disk or mount that does not answer is thrown. */
export type ReadPhotograph = (face: FaceRecord, signal: AbortSignal) => Promise<ReadOutcome>;

export function openPhotographs({ config }: Pick<RunFile, 'config'>): ReadPhotograph {
  const { imageRoot, followLinks } = config;
  return ({ uri }, signal) => readImage(imageRoot, uri, signal, { followLinks });
}

/** The photographs of a run's listing, read as its workers read them; the only place that knows where a corpus lies. */
import { type CorpusSource, type ReadOutcome, rejected } from '../../shared/corpus/corpusSource.ts';
import { readFaceImage } from '../../shared/corpus/faceImage.ts';
import { openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';

export interface Photographs {
  /** One that cannot be read is a rejection; a disk, mount or service that does not answer is thrown. */
  read(face: FaceRecord, signal: AbortSignal): Promise<ReadOutcome>;
  close(): Promise<void>;
}

/** Nothing is opened before the first question: the corpus may not be at hand here, and the page does without. */
export function openPhotographs({ config }: Pick<RunFile, 'config'>, s3: S3Options): Photographs {
  const { imageRoot, followLinks } = config;
  let source: Promise<CorpusSource> | undefined;
  return {
    async read(face, signal) {
      source ??= openCorpusSource(imageRoot, { followLinks, s3 });
      try {
        return await readFaceImage(config, await source, face, signal);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        // Mounted, or let in, the next time.
        source = undefined;
        return rejected('missing', error.message);
      }
    },
    async close() {
      await (await source?.catch(() => undefined))?.close();
    },
  };
}

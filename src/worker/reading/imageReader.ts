/** Where a worker gets the image files of faces from. */
import type { HasRoom, ReadOutcome } from '../../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../../shared/face.ts';

export interface ImageReader {
  /**
   * The image file of a face; what is wrong with it alone is a rejection, as `CorpusSource.read` has it. `hasRoom` is
   * asked where the listing may not know its size.
   */
  read(record: FaceRecord, hasRoom?: HasRoom): Promise<ReadOutcome>;
}

/** The photographs of a corpus of any format, one at a time: whole objects, members of archives, rows of tables. */
import type { RunConfig } from '../config.ts';
import type { FaceRecord } from '../face.ts';
import { type ReadOutcome, readImage } from './corpusSource.ts';
import { type OpenCorpusSourceOptions, openCorpusSource } from './openCorpusSource.ts';
import { openRowImages, type RowImageReader } from './rowImages.ts';
import { storedImage } from './storedImage.ts';
import { tableColumnsSchema } from './tableColumns.ts';
import { isTableFormat } from './tableFormat.ts';

/**
 * Photographs asked for at once by who works on one after the other: the next ones come while it works, also from far
 * away.
 */
export const READ_AHEAD = 8;

export interface Photographs {
  /** Where they lie and, of tables, in which columns: what tells one corpus from another in the key of a cache. */
  readonly place: string;
  /**
   * The image file of a face, in any order and as often as asked for, in an ArrayBuffer of its own. What is wrong with
   * it alone is a rejection of stage 'read'; throws as `CorpusSource.read`, and the signal's reason once it is aborted.
   */
  read(face: FaceRecord): Promise<ReadOutcome>;
  /** Releases files and sockets. */
  close(): Promise<void>;
}

/** Where the photographs of a corpus lie, and as what. */
export type PhotographPlace = Pick<RunConfig, 'imageRoot' | 'corpusFormat'> &
  Partial<Pick<RunConfig, 'followLinks' | 'tableColumns'>>;

/**
 * Opens them for a command that reads one after the other; a worker reads those of a shard together (`shardImages.ts`).
 * @throws ConfigError when the place is not there or may not be read.
 */
export async function openPhotographs(
  {
    imageRoot,
    corpusFormat,
    followLinks = false,
    tableColumns = tableColumnsSchema.parse({}),
  }: PhotographPlace,
  { s3, signal }: Pick<OpenCorpusSourceOptions, 's3'> & { readonly signal: AbortSignal },
): Promise<Photographs> {
  const source = await openCorpusSource(imageRoot, { followLinks, s3 });
  const { root } = source;
  let rows: RowImageReader | undefined;
  return {
    place: isTableFormat(corpusFormat) ? `${root} ${JSON.stringify(tableColumns)}` : root,
    async read(face) {
      const image = storedImage(corpusFormat, face);
      if (image.kind === 'bytes') return image.imageIn(await readImage(source, image.location, signal));
      rows ??= openRowImages(source, { format: image.format, columns: tableColumns }, signal);
      return rows.read(image.face);
    },
    async close() {
      await rows?.close();
      await source.close();
    },
  };
}

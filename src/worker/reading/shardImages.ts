/** The photographs of a shard, as the run's corpus holds them: what the worker decodes, from where the listing says. */
import type { RunConfig } from '../../shared/config.ts';
import type { ImageLocation } from '../../shared/corpus/corpusSource.ts';
import { storedImage } from '../../shared/corpus/storedImage.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { ImageReader } from './imageReader.ts';
import type { ShardReader } from './shardReader.ts';
import type { TableImages } from './tableImages.ts';

/**
 * The images of the faces of one shard. `openReader` reads bytes of these locations, each once; `tables`: where the run's
 * images lie in tables.
 */
export function openShardImages(
  { corpusFormat }: Pick<RunConfig, 'corpusFormat'>,
  openReader: (locations: readonly ImageLocation[]) => ShardReader,
  tables: TableImages | undefined,
  records: readonly FaceRecord[],
): ImageReader {
  const images = new Map(records.map((record) => [record, storedImage(corpusFormat, record)]));
  const stored = [...images.values()];
  const bytes = openReader(stored.flatMap((image) => (image.kind === 'bytes' ? [image.location] : [])));
  const rows = tables?.forShard(stored.flatMap((image) => (image.kind === 'row' ? [image.face] : [])));
  return {
    async read(record, hasRoom) {
      const image = images.get(record)!;
      if (image.kind === 'bytes') return image.imageIn(await bytes.read(image.location, hasRoom));
      if (rows === undefined) throw new Error('the tables of the corpus are not open');
      return rows.read(image.face);
    },
  };
}

/** The photographs of a shard, as the run's corpus holds them: what the worker decodes, from where the listing says. */
import type { RunConfig } from '../shared/config.ts';
import type { ImagePlace } from '../shared/corpus/corpusSource.ts';
import { imageInRecord } from '../shared/corpus/faceImage.ts';
import { imageInMember, memberPlace } from '../shared/corpus/tarMember.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { ImageReader } from './imageReader.ts';
import type { ShardReader } from './shardReader.ts';
import type { TableImages } from './tableImages.ts';

/**
 * The images of the faces of one shard. `openReader` reads bytes of these places, each once; `tables`: where the run's
 * images lie in tables.
 */
export function openShardImages(
  { corpusFormat }: Pick<RunConfig, 'corpusFormat'>,
  openReader: (places: readonly ImagePlace[]) => ShardReader,
  tables: TableImages | undefined,
  records: readonly FaceRecord[],
): ImageReader {
  switch (corpusFormat) {
    case 'parquet':
    case 'arrow': {
      const bytes = openReader(records);
      const rows = tables?.forShard(records);
      return {
        read: (record, hasRoom) =>
          record.row === undefined || rows === undefined ? bytes.read(record, hasRoom) : rows.read(record),
      };
    }
    case 'recordio': {
      const bytes = openReader(records);
      return { read: async (record) => imageInRecord(await bytes.read(record), record) };
    }
    case 'webdataset': {
      const places = new Map(records.map((record) => [record, memberPlace(record)]));
      const bytes = openReader([...places.values()]);
      return { read: async (record) => imageInMember(await bytes.read(places.get(record)!), record) };
    }
    case 'folder':
    case 'csv':
    case 'kdef':
      return openReader(records);
  }
}

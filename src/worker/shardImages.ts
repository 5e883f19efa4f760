/** The photographs of a shard, as the run's corpus holds them: what the worker decodes, from where the listing says. */
import type { RunConfig } from '../shared/config.ts';
import { type ReadOutcome, rejected } from '../shared/corpus/corpusSource.ts';
import { imageOfRecord, subjectOf } from '../shared/corpus/imageRecord.ts';
import { isBroken } from '../shared/corpus/recordIo.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { ShardReader } from './shardReader.ts';
import type { TableImages } from './tableImages.ts';

export interface ShardImages {
  /** The image file of a face; what is wrong with it alone is a rejection, as `CorpusSource.read` has it. */
  read(record: FaceRecord): Promise<ReadOutcome>;
}

/** The images of the faces of one shard. `tables`: where the run's images lie in tables. */
export function openShardImages(
  { corpusFormat }: Pick<RunConfig, 'corpusFormat'>,
  bytes: ShardReader,
  tables: TableImages | undefined,
  records: readonly FaceRecord[],
): ShardImages {
  switch (corpusFormat) {
    case 'parquet':
    case 'arrow': {
      const rows = tables?.forShard(records);
      return {
        read: (record) =>
          record.row === undefined || rows === undefined ? bytes.read(record) : rows.read(record),
      };
    }
    case 'recordio':
      return { read: async (record) => imageIn(await bytes.read(record), record) };
    case 'folder':
    case 'csv':
    case 'webdataset':
    case 'kdef':
      return bytes;
  }
}

/** Takes the image out of its record. The record is checked again: the archive may have changed since it was listed. */
function imageIn(read: ReadOutcome, { uri, subjectId, offset = 0 }: FaceRecord): ReadOutcome {
  if (read.status === 'rejected') return read;
  const found = imageOfRecord(read.bytes);
  if (isBroken(found)) {
    return rejected('broken-record', `${found.problem} [file=${uri}, offset=${offset + found.at}]`);
  }
  const label = subjectOf(found.labels);
  if (label === subjectId) return { status: 'ok', bytes: found.image };
  const problem = `expected the label ${subjectId}, as listed, found ${label}`;
  return rejected('another-record', `${problem} [file=${uri}, offset=${offset}]`);
}

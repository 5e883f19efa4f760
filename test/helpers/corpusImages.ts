/** A corpus as a worker sees it: listed by its reader, each photograph read as a shard reads it. */
import pLimit from 'p-limit';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { parseRunConfig, type RunConfig, type RunConfigInput } from '../../src/shared/config.ts';
import type { CorpusSource, ImageLocation } from '../../src/shared/corpus/corpusSource.ts';
import { openCorpusSource } from '../../src/shared/corpus/openCorpusSource.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import type { S3Options } from '../../src/shared/store/storeOptions.ts';
import { openShardImages } from '../../src/worker/reading/shardImages.ts';
import { openShardReader } from '../../src/worker/reading/shardReader.ts';
import { openTableImages, shardImages, type TableImages } from '../../src/worker/reading/tableImages.ts';
import { openTableReads } from '../../src/worker/reading/tableReads.ts';

export interface ReadFace {
  readonly face: FaceRecord;
  /** The image, or why there is none. */
  readonly image: Buffer | string;
}

export async function corpusImages(config: RunConfigInput, s3?: S3Options): Promise<ReadFace[]> {
  const run = parseRunConfig(config);
  const faces: FaceRecord[] = [];
  for await (const face of (await openCorpus(run, { s3 })).faces()) faces.push(face);
  return imagesOf(config, faces, s3);
}

/** The photographs of faces that were listed before. */
export async function imagesOf(
  config: RunConfigInput,
  faces: readonly FaceRecord[],
  s3?: S3Options,
): Promise<ReadFace[]> {
  const run = parseRunConfig(config);
  const source = await openCorpusSource(run.imageRoot, { s3 });
  const format = run.corpusFormat;
  const tables =
    format === 'parquet' || format === 'arrow'
      ? await tableImages(run.imageRoot, source, format, run.tableColumns, s3)
      : undefined;
  try {
    const openReader = (locations: readonly ImageLocation[]) =>
      openShardReader(source, locations, pLimit(4), new AbortController().signal);
    const images = openShardImages(run, openReader, tables, faces);
    return await Promise.all(
      faces.map(async (face) => {
        const read = await images.read(face);
        return { face, image: read.status === 'ok' ? Buffer.from(read.bytes) : read.rejection.code };
      }),
    );
  } finally {
    await tables?.close();
    await source.close();
  }
}

/** In a thread, as in a worker, or in this one: a thread takes a second to start. */
async function tableImages(
  root: string,
  source: CorpusSource,
  format: 'parquet' | 'arrow',
  columns: RunConfig['tableColumns'],
  s3: S3Options | undefined,
): Promise<TableImages> {
  if (s3 !== undefined) return openTableImages({ root, source: { s3 }, format, columns });
  const reads = openTableReads(source, { format, columns });
  let last: Promise<unknown> = Promise.resolve();
  const oneByOne: typeof reads.answer = (request) => {
    const answer = last.then(() => reads.answer(request));
    last = answer.catch(() => {});
    return answer;
  };
  return { forShard: (records) => shardImages(records, oneByOne), close: reads.close };
}

/** `subject/face labels: image` of every face. */
export function describeFaces(read: readonly ReadFace[]): string[] {
  return read.map(({ face: { subjectId, faceId, labels }, image }) => {
    const shown = labels === undefined ? '' : ` ${JSON.stringify(labels)}`;
    return `${subjectId}/${faceId}${shown}: ${typeof image === 'string' ? image : image.toString('latin1')}`;
  });
}

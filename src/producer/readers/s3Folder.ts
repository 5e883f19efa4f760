/**
 * A corpus as s3://bucket/prefix with a folder per person: `prefix/<subject>/…/<image>`. Keys come in pages in the
 * order of whole keys, in which a folder `ann-b/` comes before `ann/`: they are sorted again, on disk.
 */
import { openS3 } from '../../shared/corpus/openCorpusSource.ts';
import type { S3Source } from '../../shared/corpus/s3Source.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import type { CorpusReader } from './corpusReader.ts';
import { inListingOrder } from './faceSorter.ts';
import { createIgnoredEntries, type IgnoredEntries } from './ignored.ts';
import { isImageName } from './imageName.ts';

/** @throws ConfigError when the bucket cannot be read. */
export async function openS3FolderCorpus(root: string, s3: S3Options | undefined): Promise<CorpusReader> {
  const source = await openS3(root, s3);
  const ignored = createIgnoredEntries();
  return {
    ignored,
    faces: (signal, onListed) => inListingOrder(facesOf(source, ignored, signal), signal, onListed),
  };
}

async function* facesOf(
  source: S3Source,
  ignored: IgnoredEntries,
  signal: AbortSignal | undefined,
): AsyncGenerator<FaceRecord> {
  try {
    for await (const { uri, bytes } of source.list('', signal)) {
      // Some tools create empty objects named like folders.
      if (uri === '' || uri.endsWith('/')) continue;
      const subjectId = uri.slice(0, Math.max(0, uri.indexOf('/')));
      const reason = whyNot(uri, subjectId);
      if (reason === undefined) yield { faceId: uri, subjectId, uri, bytes };
      else ignored.add(reason, uri);
    }
  } finally {
    await source.close();
  }
}

/** Why a key is no photograph of a person; the words are those of a local folder. */
function whyNot(uri: string, subjectId: string): string | undefined {
  const segments = uri.split('/');
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return "a segment '.' or '..' in its key";
  if (segments.some((segment) => segment.startsWith('.'))) return 'hidden';
  if (subjectId === '') return 'not in the folder of a person';
  if (!isImageName(uri)) return 'not an image by its extension';
  return undefined;
}

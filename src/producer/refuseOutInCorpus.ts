/** OUT may not lie in the corpus that its command reads. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { isS3Uri } from '../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../shared/errors.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';

/**
 * OUT inside the corpus would be listed as a person; a folder of archives or tables would be taken for one of people by
 * the same command, once OUT is a folder in it.
 * @param corpus an absolute path or s3://.
 * @param corpusS3 how a corpus in an object store is reached.
 * @throws ConfigError `out-in-corpus`.
 */
export async function refuseOutInCorpus(
  corpus: string,
  out: Pick<ObjectStore, 'uri' | 'endpoint'>,
  corpusS3: S3Options | undefined,
): Promise<void> {
  if (!(await isInside(corpus, out, corpusS3))) return;
  throw new ConfigError('out-in-corpus', 'OUT: expected a place outside the corpus, found one inside it', {
    out: out.uri,
    corpus,
  });
}

async function isInside(
  corpus: string,
  out: Pick<ObjectStore, 'uri' | 'endpoint'>,
  corpusS3: S3Options | undefined,
): Promise<boolean> {
  if (isS3Uri(corpus)) {
    // A store's own uri has its scheme in small letters.
    const uri = corpus.replace(/^s3:/i, 's3:');
    if (!`${out.uri}/`.startsWith(`${uri}/`)) return false;
    const { isSameEndpoint, resolveS3Address } = await import('../shared/store/s3Address.ts');
    const { endpoint } = await resolveS3Address(uri, corpusS3 ?? {});
    return isSameEndpoint(endpoint, out.endpoint);
  }
  if (!isAbsolute(out.uri)) return false;
  const way = relative(await realPlace(corpus), await realPlace(out.uri));
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
}

/** The path without links, as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = dirname(path);
  return parent === path ? path : join(await realPlace(parent), basename(path));
}

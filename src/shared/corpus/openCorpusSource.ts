/** A corpus source by its root. The S3 client is loaded only when a root asks for it. */
import { stat } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';
import type { RequestListeners } from '../store/observedStore.ts';
import { quietSdk } from '../store/openStore.ts';
import type { S3Options } from '../store/storeOptions.ts';
import { isForbidden, notReadable } from '../store/systemErrors.ts';
import type { CorpusSource } from './corpusSource.ts';
import { type FolderSourceOptions, folderSource } from './folderSource.ts';
import { observedSource } from './observedSource.ts';
import type { S3Source } from './s3Source.ts';

export interface OpenCorpusSourceOptions extends FolderSourceOptions {
  readonly s3?: S3Options | undefined;
  /** Hear of every read. */
  readonly listeners?: RequestListeners | undefined;
}

/** Whether a corpus, or the root of its images, lies in an object store. */
export function isS3Uri(uri: string): boolean {
  return /^s3:\/\//i.test(uri);
}

/** As `openCorpusSource`, for who knows that it is S3. */
export async function openS3(
  root: string,
  s3: S3Options | undefined,
  onRetry?: RequestListeners['onRetry'],
): Promise<S3Source> {
  quietSdk();
  const { openS3Source } = await import('./s3Source.ts');
  return openS3Source(root, s3 ?? {}, onRetry && { onRetry });
}

/**
 * Opens an absolute folder or s3://bucket/prefix.
 * @throws ConfigError, within 5 s, when the place is not there or may not be read.
 */
export async function openCorpusSource(
  root: string,
  { listeners: { onRequest, onRetry } = {}, ...options }: OpenCorpusSourceOptions = {},
): Promise<CorpusSource> {
  const source = await openByRoot(root, options, onRetry);
  return onRequest === undefined ? source : observedSource(source, onRequest);
}

async function openByRoot(
  root: string,
  { s3, ...options }: OpenCorpusSourceOptions,
  onRetry: RequestListeners['onRetry'],
): Promise<CorpusSource> {
  if (isS3Uri(root)) return openS3(root, s3, onRetry);
  try {
    // By the dot the system looks whether the folder may be gone into.
    if ((await stat(`${root}/.`)).isDirectory()) return folderSource(root, options);
  } catch (error) {
    if (isForbidden(error)) notReadable('corpus', root)(error);
  }
  throw new ConfigError('no-corpus', 'corpus: expected its folder on this machine, found none', {
    path: root,
  });
}

/** A store by its address. The S3 client is loaded only when an address asks for it. */
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors.ts';
import { openFolderStore } from './folderStore.ts';
import type { ObjectStore } from './objectStore.ts';
import { observedStore } from './observedStore.ts';
import type { OpenStoreOptions } from './storeOptions.ts';

/**
 * Opens a folder path, file:// URL or s3://bucket/prefix. Throws ConfigError within 5 s when the place cannot be
 * used; nothing is left behind in it.
 */
export async function openStore(uri: string, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const store = await openByScheme(uri, options);
  return options.onRequest === undefined ? store : observedStore(store, options.onRequest);
}

async function openByScheme(uri: string, options: OpenStoreOptions): Promise<ObjectStore> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(uri)?.[1]?.toLowerCase();
  if (uri === '')
    throw new ConfigError('bad-uri', 'output must be a folder or s3://bucket/prefix, got nothing');
  // Node turns bytes that are no UTF-8 into this character: the folder would be another than the one asked for.
  if (uri.includes('\uFFFD')) throw new ConfigError('bad-uri', 'output must be named in UTF-8', { uri });
  if (scheme === undefined) return openFolderStore(uri, options.access);
  if (scheme === 'file') return openFolderStore(filePath(uri), options.access);
  if (scheme === 's3') {
    quietSdk();
    const { openS3Store } = await import('./s3Store.ts');
    return openS3Store(uri, options);
  }
  throw new ConfigError('bad-uri', 'output must be a folder, file:// or s3://bucket/prefix', { uri });
}

/** Before the SDK is loaded: which Node its later versions will want is no news to who runs this, pinned one. */
export function quietSdk(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}

function filePath(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new ConfigError('bad-uri', 'a file URL must have the form file:///folder', { uri }, error);
  }
}

/** Paths of a list → what faces name: relative to the image root, and never outside it. */
import { isAbsolute, normalize, relative, sep } from 'node:path';
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';

/** As a place elsewhere begins: on a disk `s3:` would be a folder like any other. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Undefined: the path leads out of the image root, or is none. A root in S3 takes keys below it, or whole s3:// uris.
 */
export function insideImageRoot(imageRoot: string, path: string): string | undefined {
  if (path === '' || path.includes('\0')) return undefined;
  if (isS3Uri(imageRoot)) return keyBelow(imageRoot, path);
  if (SCHEME.test(path)) return undefined;
  const inside = normalize(isAbsolute(path) ? relative(imageRoot, path) : path);
  return inside === '.' || inside === '..' || inside.startsWith(`..${sep}`) ? undefined : inside;
}

function keyBelow(imageRoot: string, path: string): string | undefined {
  const root = withoutScheme(`${imageRoot.replace(/\/+$/, '')}/`);
  if (SCHEME.test(path) && !(isS3Uri(path) && withoutScheme(path).startsWith(root))) return undefined;
  const key = isS3Uri(path) ? withoutScheme(path).slice(root.length) : path.replace(/^(?:\.\/)+/, '');
  const leaves =
    key === '' || key.startsWith('/') || key.split('/').some((part) => part === '..' || part === '.');
  return leaves ? undefined : key;
}

/** The scheme may be written in capitals; bucket and key are what they are. */
function withoutScheme(uri: string): string {
  return uri.replace(SCHEME, '');
}

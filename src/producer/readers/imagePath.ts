/** Paths of a list → what faces name: relative to the image root, and never outside it. */
import { isAbsolute, normalize, relative, sep } from 'node:path';
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';

/** Undefined: the path leads out of the image root, or is none. A root in S3 takes keys below it, or whole s3:// uris. */
export function insideImageRoot(imageRoot: string, path: string): string | undefined {
  if (path === '' || path.includes('\0')) return undefined;
  if (isS3Uri(imageRoot)) {
    const root = `${imageRoot.replace(/\/+$/, '')}/`;
    if (isS3Uri(path) && !path.startsWith(root)) return undefined;
    const key = isS3Uri(path) ? path.slice(root.length) : path.replace(/^(?:\.\/)+/, '');
    const leaves =
      key === '' || key.startsWith('/') || key.split('/').some((part) => part === '..' || part === '.');
    return leaves ? undefined : key;
  }
  const inside = normalize(isAbsolute(path) ? relative(imageRoot, path) : path);
  return inside === '.' || inside === '..' || inside.startsWith(`..${sep}`) ? undefined : inside;
}

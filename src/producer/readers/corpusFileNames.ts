/** Which files a corpus of archives or tables consists of. */
import { archiveRoot, belowRoot, expandArchives, isPattern } from '../../shared/corpus/archivePattern.ts';
import type { CorpusSource } from '../../shared/corpus/corpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { CorpusConfig } from './corpusReader.ts';

/**
 * Names relative to the root, in the order of the pattern; every name once.
 * @throws ConfigError when a pattern matches nothing or names an archive twice.
 */
export async function corpusFileNames(
  { corpus, imageRoot }: Pick<CorpusConfig, 'corpus' | 'imageRoot'>,
  source: CorpusSource,
  signal: AbortSignal,
  extensions: readonly string[] = ['.tar'],
): Promise<string[]> {
  if (corpus === imageRoot) {
    const isOne = (name: string) => extensions.some((extension) => name.toLowerCase().endsWith(extension));
    const names = (await source.fileNames(signal)).filter((name) => !name.startsWith('.') && isOne(name));
    if (names.length > 0) return names;
    throw new ConfigError('empty-corpus', `corpus: expected ${extensions.join(' or ')} files, found none`, {
      path: corpus,
    });
  }
  const names: string[] = [];
  const root = archiveRoot(corpus);
  const several = isPattern(corpus);
  for (const name of expandArchives(corpus)) {
    const below = belowRoot(root, name);
    if (several && /[*?]/.test(below)) names.push(...(await matching(below, source, signal)));
    else names.push(below);
  }
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new ConfigError(
        'bad-pattern',
        `corpus: expected every archive once, found ${JSON.stringify(name)} a second time`,
        {
          corpus,
        },
      );
    }
    seen.add(name);
  }
  return names;
}

async function matching(glob: string, source: CorpusSource, signal: AbortSignal): Promise<string[]> {
  if (glob.includes('/')) {
    throw new ConfigError('bad-pattern', 'corpus: expected * and ? in the last part of the path only', {
      pattern: glob,
    });
  }
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const form = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
  const names = (await source.fileNames(signal)).filter((name) => !name.startsWith('.') && form.test(name));
  if (names.length > 0) return names;
  throw new ConfigError('no-corpus', 'corpus: expected archives of this name, found none', {
    root: source.root,
    pattern: glob,
  });
}

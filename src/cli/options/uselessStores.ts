/** Options of object stores that nothing of a new run lies in. */
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import { optionOfFlag } from '../output/commandLine.ts';
import type { CorpusPlaceFlags } from './corpusPlace.ts';
import { CORPUS_STORE_FLAGS, type CorpusStoreFlags, STORE_FLAGS } from './storeOptions.ts';

/**
 * Who gives one means S3: without this a run would go on with places on this machine.
 * @throws ConfigError for one given where neither CORPUS, its images nor OUT lie in S3.
 */
export function refuseUselessStores(
  corpus: string,
  out: string,
  flags: CorpusStoreFlags & Pick<CorpusPlaceFlags, 'imageRoot'>,
): void {
  const corpusInS3 = isS3Uri(corpus) || isS3Uri(flags.imageRoot ?? '');
  const refuse = (names: readonly (keyof CorpusStoreFlags)[], what: string) => {
    const useless = names.find((name) => flags[name] !== undefined);
    if (useless === undefined) return;
    throw new ConfigError('bad-option', `${optionOfFlag(useless)}: expected with ${what} in S3 only`);
  };
  if (!corpusInS3) refuse(CORPUS_STORE_FLAGS, 'a corpus');
  if (!corpusInS3 && !isS3Uri(out)) refuse(STORE_FLAGS, 'a corpus or an OUT');
}

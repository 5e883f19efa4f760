/**
 * Which files of a folder that Hugging Face's `Dataset.save_to_disk` wrote are the dataset: those that its state.json
 * names. Whoever works with the dataset leaves others of the same kind beside them, such as the results of `map`.
 */
import { z } from 'zod';
import type { CorpusSource } from '../../shared/corpus/corpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';

const STATE = 'state.json';

const stateSchema = z.object({ _data_files: z.array(z.object({ filename: z.string().min(1) })) });

/**
 * Relative to the root, in the order of the dataset; undefined: nothing says that the folder is one.
 * @throws ConfigError when a data file is missing, or when state.json cannot be read or does not say which they are.
 */
export async function savedDataFiles(
  source: CorpusSource,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const there = new Set(await source.fileNames(signal));
  if (!there.has(STATE)) return undefined;
  const state = await readState(source, signal);
  if (typeof state !== 'object' || state === null || !('_data_files' in state)) return undefined;
  const parsed = stateSchema.safeParse(state);
  if (!parsed.success) {
    throw new ConfigError(
      'bad-table',
      `table: ${STATE}: expected the names of the data files in _data_files`,
      {
        folder: source.root,
      },
    );
  }
  const names = parsed.data._data_files.map(({ filename }) => filename);
  const missing = names.find((name) => !there.has(name));
  if (missing === undefined) return names;
  throw new ConfigError('no-corpus', `corpus: expected the data files of ${STATE}, found no ${missing}`, {
    folder: source.root,
  });
}

/** One that cannot be read says nothing of the files beside it: taken for none, it would double the corpus. */
async function readState(source: CorpusSource, signal: AbortSignal): Promise<unknown> {
  const read = await source.read(STATE, undefined, signal);
  const refuse = (found: string, cause?: unknown) =>
    new ConfigError('bad-table', `table: ${STATE}: expected JSON, ${found}`, { folder: source.root }, cause);
  if (read.status === 'rejected') throw refuse(read.rejection.message);
  try {
    return JSON.parse(Buffer.from(read.bytes).toString('utf8'));
  } catch (error) {
    throw refuse('found something else', error);
  }
}

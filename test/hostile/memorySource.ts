/** A corpus source over files in memory, as strict as the real ones: nothing outside a file is read. */
import { type CorpusSource, cannotOpen, rejected } from '../../src/shared/corpus/corpusSource.ts';
import { PosecastError } from '../../src/shared/errors.ts';

export function memorySource(files: Readonly<Record<string, Uint8Array>>): CorpusSource {
  const root = '/corpus';
  return {
    root,
    concurrency: 4,
    async read(uri, range) {
      const file = files[uri];
      if (file === undefined) return rejected('missing', 'cannot be read: ENOENT');
      const { start, end } = range ?? { start: 0, end: file.length };
      if (end > file.length) return rejected('beyond-end', `expected bytes ${start}–${end}`);
      return { status: 'ok', bytes: Uint8Array.from(file.subarray(start, end)) };
    },
    async open(uri) {
      const file = files[uri];
      const missing = { stage: 'read', code: 'missing', message: 'cannot be read: ENOENT' } as const;
      if (file === undefined) throw cannotOpen(root, uri, missing);
      return {
        uri,
        bytes: file.length,
        far: false,
        async read({ start, end }) {
          if (!(start >= 0 && start <= end && end <= file.length)) {
            throw new PosecastError('shrank', 'corpus: object has become shorter', { start, end });
          }
          return Uint8Array.from(file.subarray(start, end));
        },
        close: async () => {},
      };
    },
    fileNames: async () => Object.keys(files).sort(),
    close: async () => {},
  };
}

/** A corpus source that tells of every read, as an observed store does of its requests. */
import { observedRequest, type StoreRequest } from '../store/observedStore.ts';
import type { CorpusSource, ReadOutcome, SourceFile } from './corpusSource.ts';

/** What cannot be read is told by the code of its rejection; what is left for later is no failure. */
const OUTCOME = {
  receivedBytes: (outcome: ReadOutcome) => (outcome.status === 'ok' ? outcome.bytes.length : 0),
  code(outcome: ReadOutcome): string {
    if (outcome.status === 'ok') return 'ok';
    const { code } = outcome.rejection;
    return code === 'no-room' ? 'aborted' : code;
  },
};
const BYTES = { receivedBytes: (bytes: Uint8Array) => bytes.length };

/** The same source; `hear` must return at once. */
export function observedSource(source: CorpusSource, hear: (request: StoreRequest) => void): CorpusSource {
  const file = (opened: SourceFile): SourceFile => ({
    ...opened,
    read: (range, signal) => observedRequest(hear, 'get', opened.read(range, signal), { ...BYTES, signal }),
  });
  return {
    ...source,
    read: (uri, range, signal, hasRoom) =>
      observedRequest(hear, 'get', source.read(uri, range, signal, hasRoom), { ...OUTCOME, signal }),
    open: async (uri, signal) =>
      file(await observedRequest(hear, 'head', source.open(uri, signal), { signal })),
    fileNames: (signal) => observedRequest(hear, 'list', source.fileNames(signal), { signal }),
    ...(source.answers && {
      answers: (signal: AbortSignal) => observedRequest(hear, 'head', source.answers!(signal), { signal }),
    }),
  };
}

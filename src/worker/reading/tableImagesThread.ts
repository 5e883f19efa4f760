/** The thread that reads photographs out of tables: decompressing a page takes longer than a queue lock may wait. */
import { openCorpusSource } from '../../shared/corpus/openCorpusSource.ts';
import type { StoreRequest, StoreRetry } from '../../shared/store/observedStore.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { serveThread } from '../../shared/threads/serveThread.ts';
import type { HeardAnswer, TableReading, TableRequest } from './tableImages.ts';
import { openTableReads } from './tableReads.ts';

await serveThread<TableReading, TableRequest, HeardAnswer>(async (reading) => {
  const requests: StoreRequest[] = [];
  const retries: StoreRetry[] = [];
  const source = await openCorpusSource(reading.root, {
    ...reading.source,
    listeners: { onRequest: (request) => requests.push(request), onRetry: (retry) => retries.push(retry) },
  });
  const reads = openTableReads(source, reading);
  return async (request) => {
    const answer = await reads.answer(request);
    // Those of a question that was not answered go with the next answer.
    const response = { answer, requests: requests.splice(0), retries: retries.splice(0) };
    return {
      response,
      transfer: ownedBuffers(answer.status === 'rows' ? answer.rows.map(({ image }) => image) : []),
    };
  };
});

/** The thread that reads photographs out of tables: decompressing a page takes longer than a queue lock may wait. */
import { openCorpusSource } from '../shared/corpus/openCorpusSource.ts';
import { serveThread } from '../shared/threads/serveThread.ts';
import type { TableAnswer, TableReading, TableRequest } from './tableImages.ts';
import { tableReads } from './tableReads.ts';

await serveThread<TableReading, TableRequest, TableAnswer>(async (reading) => {
  const answer = tableReads(await openCorpusSource(reading.root, reading.source), reading);
  return async (request) => {
    const response = await answer(request);
    return { response, transfer: 'bytes' in response ? [response.bytes.buffer as ArrayBuffer] : [] };
  };
});

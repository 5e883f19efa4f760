/** The threads of an evaluation, as the rest of it sees them. */
import { openThreadPool } from '../shared/threads/threadPool.ts';
import type { CurveRequest } from './curves.ts';
import type { ExampleProbe } from './examples.ts';
import type { RowMeasurement } from './measureMethod.ts';
import type { Curve } from './result.ts';
import type { RowsRequest, RowsResponse, RowsThreadInit } from './rowsThread.ts';

export interface RowsPool {
  /** `row`: position in the recogniser's list of methods. */
  row(recognizer: string, row: number): Promise<RowMeasurement>;
  curve(recognizer: string, curve: CurveRequest): Promise<Curve>;
  examples(recognizer: string, rowId: string): Promise<readonly ExampleProbe[]>;
  close(): Promise<void>;
}

export async function openRowsPool(threads: number, init: RowsThreadInit): Promise<RowsPool> {
  const pool = await openThreadPool<RowsRequest, RowsResponse>({
    name: 'evaluation',
    file: new URL('./rowsThread.js', import.meta.url),
    size: threads,
    init,
    // Rows take seconds: one that waits behind another could have gone to a free thread.
    depth: 1,
  });
  const answered = (kind: string) => new Error(`thread answered another request than ${kind}`);
  return {
    async row(recognizer, row) {
      const response = await pool.run({ recognizer, kind: 'row', row });
      if (response.kind !== 'row') throw answered('row');
      return response.measurement;
    },
    async curve(recognizer, curve) {
      const response = await pool.run({ recognizer, kind: 'curve', curve });
      if (response.kind !== 'curve') throw answered('curve');
      return response.curve;
    },
    async examples(recognizer, rowId) {
      const response = await pool.run({ recognizer, kind: 'examples', rowId });
      if (response.kind !== 'examples') throw answered('examples');
      return response.probes;
    },
    close: () => pool.close(),
  };
}

/** Tables and listings of a real run, for being damaged. */

import { readListing } from '../../src/shared/listing/listing.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { planKey } from '../../src/shared/run/runKeys.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { parseTableMetadata } from '../../src/shared/table/tableMetadata.ts';
import { makeSampleRun, sampleSpecs } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';
import { memoryStore } from './memoryStore.ts';
import { mutateBytes } from './mutate.ts';

/** A data, a rejects and a subjects table in both formats. */
export async function sampleTables(): Promise<Uint8Array[]> {
  const tables: Uint8Array[] = [];
  for (const format of ['parquet', 'arrow'] as const) {
    await withFolderStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store, { config: { format } }));
      for (const folder of ['data/', 'rejects/', 'subjects/']) {
        for await (const { key } of store.list(folder)) {
          tables.push((await store.get(key))!);
          break;
        }
      }
    });
  }
  return tables;
}

/** Reads everything of a table as `verify` does; the number of rows. */
export function parseTableFile(bytes: Uint8Array): number {
  const table = readTable(bytes, { key: 'data/x.parquet' });
  parseTableMetadata(table.metadata, 'data/x.parquet');
  let rows = 0;
  for (const batch of table.batches) {
    for (const field of batch.schema.fields) {
      const column = batch.getChild(field.name);
      for (let row = 0; row < batch.numRows; row++) String(column?.get(row));
    }
    rows += batch.numRows;
  }
  return rows;
}

/** Readers of a listing part and of a plan, each damaged by a seed. */
export async function parseListingFiles(): Promise<
  Record<'listing' | 'plan', (seed: number) => Promise<unknown>>
> {
  const files: Record<string, Uint8Array> = {};
  let spec: Awaited<ReturnType<typeof sampleSpecs>>[number] | undefined;
  let runId = '';
  await withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    runId = run.runId;
    spec = (await sampleSpecs(store, run))[1];
    for await (const { key } of store.list('listing/')) files[key] = (await store.get(key))!;
  });
  const shard = spec!;
  return {
    listing: (seed) =>
      readListing(memoryStore({ ...files, [shard.part]: mutateBytes(files[shard.part]!, seed) }), shard),
    async plan(seed) {
      const key = planKey(runId);
      const store = memoryStore({ ...files, [key]: mutateBytes(files[key]!, seed) });
      const rows = [];
      for await (const row of readPlan(store, runId)) rows.push(row);
      return rows;
    },
  };
}

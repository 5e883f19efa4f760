import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntegrityError } from '../../../src/shared/errors.ts';
import { readShardCommit } from '../../../src/shared/run/shardCommit.ts';
import { readColumns } from '../../../src/shared/table/readColumns.ts';
import { readTable } from '../../../src/shared/table/readTable.ts';
import { makeSampleRun } from '../../helpers/sampleRun.ts';
import { withFolderStore } from '../../helpers/stores.ts';

const COLUMNS = ['face_id', 'kind', 'variant', 'yaw', 'similarity', 'embedding'];

for (const format of ['parquet', 'arrow'] as const) {
  for (const embeddingType of ['float32', 'float16'] as const) {
    test(`${format}, ${embeddingType}: single columns are those of the whole table`, () =>
      withFolderStore(async (store) => {
        await makeSampleRun(store, { config: { format, embeddingType } });
        const key = (await readShardCommit(store, 1))!.data!.key;
        const rows = await readColumns(store, key, COLUMNS);
        const plain = (value: unknown) =>
          typeof value === 'object' && value !== null ? Array.from(value as Iterable<number>) : value;
        let at = 0;
        for (const batch of readTable((await store.get(key))!, { key }).batches) {
          for (let row = 0; row < batch.numRows; row++) {
            for (const name of COLUMNS) {
              assert.deepEqual(plain(rows[at]![name]), plain(batch.getChild(name)?.get(row)), name);
            }
            at++;
          }
        }
        assert.equal(rows.length, at);
        assert.deepEqual(Object.keys(rows[0]!).sort(), [...COLUMNS].sort());
      }));
  }
}

test('a table that is not there, and one that is damaged, are refused by name', () =>
  withFolderStore(async (store) => {
    const key = 'data/00000000-a.parquet';
    await assert.rejects(
      readColumns(store, key, ['yaw']),
      (error) => error instanceof IntegrityError && error.message.includes(key),
    );
    await store.put(key, new Uint8Array(900).fill(80));
    await assert.rejects(
      readColumns(store, key, ['yaw']),
      (error) => error instanceof IntegrityError && error.message.includes(key),
    );
  }));

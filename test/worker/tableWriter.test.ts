import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { wholeBody } from '../../src/shared/store/objectBody.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { tableMetadata } from '../../src/shared/table/tableMetadata.ts';
import { embeddingRows, rejectRows } from '../../src/shared/table/tables.ts';
import { openTableWriter } from '../../src/worker/tableWriter.ts';

const metadata = tableMetadata({ kind: 'rejects', runId: 'r', recognizer: 'r', recognizerDigest: 'd' });

test('a table written in the thread has the checksum of its bytes and all its rows', async () => {
  const writer = await openTableWriter();
  try {
    const tables = Array.from({ length: 5 }, (_, n) => {
      const rows = rejectRows();
      for (let i = 0; i <= n; i++) {
        rows.add({ faceId: `f${i}`, subjectId: 's', uri: 'u', stage: 'read', code: 'c', message: 'm' });
      }
      return rows.finish();
    });
    const written = await Promise.all(
      tables.map((table) => writer.encode(table, { format: 'parquet', metadata })),
    );
    for (const [n, { content, bytes: length, sha256, rows }] of written.entries()) {
      const bytes = wholeBody(content);
      assert.equal(bytes.length, length);
      assert.equal(rows, n + 1);
      assert.equal(readTable(bytes, { key: 'k' }).rows, n + 1);
      assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'));
    }
  } finally {
    await writer.close();
  }
});

test('the buffers of a table move to the thread instead of being copied', async () => {
  const writer = await openTableWriter();
  try {
    const rows = embeddingRows({
      dim: 512,
      embeddingType: 'float32',
      withLandmarks: false,
      withPostureCode: false,
      labelColumns: [],
    });
    const table = rows.finish();
    const written = writer.encode(table, { format: 'arrow', metadata });
    for (const { values } of table.columns) assert.equal(values.buffer.byteLength, 0);
    await written;
  } finally {
    await writer.close();
  }
});

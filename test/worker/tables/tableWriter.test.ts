import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { wholeBody } from '../../../src/shared/store/objectBody.ts';
import { readTable } from '../../../src/shared/table/readTable.ts';
import { tableMetadata } from '../../../src/shared/table/tableMetadata.ts';
import { embeddingRows, rejectRows } from '../../../src/shared/table/tables.ts';
import { openTableWriter } from '../../../src/worker/tables/tableWriter.ts';

const metadata = tableMetadata({ kind: 'rejects', runId: 'r', recognizer: 'r', recognizerDigest: 'd' });

for (const format of ['parquet', 'arrow'] as const) {
  test(`a ${format} table written in the thread has the checksum of its bytes and all its rows`, async () => {
    const writer = await openTableWriter();
    try {
      const tables = Array.from({ length: 5 }, (_, n) => {
        const rows = rejectRows();
        for (let i = 0; i <= n; i++) {
          rows.add({ faceId: `f${i}`, subjectId: 's', uri: 'u', stage: 'read', code: 'c', message: 'm' });
        }
        return rows.finish();
      });
      const written = await Promise.all(tables.map((table) => writer.encode(table, { format, metadata })));
      for (const [n, { content, bytes: length, sha256, rows }] of written.entries()) {
        const bytes = wholeBody(content);
        assert.equal(bytes.length, length);
        assert.equal(rows, n + 1);
        assert.equal(readTable(bytes, { key: 'k' }).rows, n + 1);
        assert.equal(await sha256, createHash('sha256').update(bytes).digest('hex'));
      }
    } finally {
      await writer.close();
    }
  });
}

test('the buffers of a table move to the thread; vectors that are shared stay in memory that both share', async () => {
  const writer = await openTableWriter();
  const shape = { withLandmarks: false, withPostureCode: false, labelColumns: [] };
  try {
    for (const shared of [true, false]) {
      const table = embeddingRows({ dim: 512, embeddingType: 'float32', ...shape }, { shared }).finish();
      const written = writer.encode(table, { format: shared ? 'arrow' : 'parquet', metadata });
      for (const { spec, values } of table.columns) {
        if (shared && typeof spec.type === 'object')
          assert.ok(values.buffer instanceof SharedArrayBuffer, spec.name);
        else assert.equal(values.buffer.byteLength, 0, spec.name);
      }
      await (await written).sha256;
    }
  } finally {
    await writer.close();
  }
});

test('a checksum that nobody waits for may fail: a writer is closed while files are still hashed', async () => {
  const writer = await openTableWriter();
  const shape = { withLandmarks: false, withPostureCode: false, labelColumns: [] };
  const rows = embeddingRows(
    { dim: 512, embeddingType: 'float32', ...shape },
    { expectedRows: 20_000, shared: true },
  );
  const embedding = new Float32Array(512).fill(0.1);
  for (let i = 0; i < 20_000; i++) {
    const empty = {
      variant: null,
      sourceFaceId: null,
      postureId: null,
      detectionScore: null,
      facesFound: null,
    };
    const pose = { yaw: 0, pitch: 0, roll: 0, similarity: 1 };
    rows.add({ faceId: `f${i}`, subjectId: 's', kind: 'real', ...empty, ...pose, embedding });
  }
  const { sha256 } = await writer.encode(rows.finish(), { format: 'arrow', metadata });
  await writer.close();
  await assert.rejects(sha256, { code: 'pool-closed' });
});

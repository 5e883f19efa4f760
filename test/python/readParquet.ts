/**
 * `node dist/test/python/readParquet.js FOLDER`: what write_parquet.py wrote is read as its JSON says, in whole and in
 * part.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openParquetTable } from '../../src/shared/corpus/parquetTable.ts';

type Columns = Readonly<Record<string, readonly unknown[]>>;

/** As write_parquet.py puts it; a struct of nothing is nothing, as posecast takes it. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'object') return value;
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field)] as const);
  return fields.every(([, field]) => field === null) ? null : Object.fromEntries(fields);
}

async function check(path: string, columns: Columns): Promise<void> {
  const bytes = readFileSync(path);
  const table = await openParquetTable({
    bytes: bytes.length,
    read: async (start, end) => bytes.subarray(start, end),
  });
  const names = Object.keys(columns);
  for (const { start, rows } of table.pieces) {
    const end = start + rows;
    const middle = start + (rows >> 1);
    for (const [from, to] of [
      [start, end],
      [middle, Math.min(end, middle + 7)],
      [end - 1, end],
    ] as const) {
      const found = await table.read(names, from, to);
      for (const [i, row] of found.entries()) {
        for (const name of names) {
          assert.deepEqual(
            plain(row[name]),
            columns[name]?.[from + i],
            `${path}: ${name} of row ${from + i}`,
          );
        }
      }
    }
  }
}

const [root = ''] = process.argv.slice(2);
let files = 0;
for (const folder of readdirSync(root)) {
  const columns = JSON.parse(readFileSync(join(root, folder, 'columns.json'), 'utf8')) as Columns;
  for (const name of readdirSync(join(root, folder)).filter((name) => name.endsWith('.parquet'))) {
    await check(join(root, folder, name), columns);
    files++;
  }
}
console.log(`parquet: ${files} files read as they were written`);

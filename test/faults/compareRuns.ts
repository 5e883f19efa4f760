/** Whether a run that was disturbed came to the result of the one that was not. */
import assert from 'node:assert/strict';
import { type RunManifest, readManifest } from '../../src/shared/run/manifest.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import { storeKeys } from '../helpers/stores.ts';

/** Values of a row; numbers of lists apart. */
type Row = Readonly<Record<string, unknown>>;

export interface RunTables {
  readonly totals: RunManifest['totals'];
  /** By face_id. */
  readonly data: ReadonlyMap<string, Row>;
  readonly rejects: ReadonlyMap<string, Row>;
}

/** In embeddings; angles are degrees of a hundred times that size. */
const TOLERANCE = 1e-5;
const ANGLES = new Set(['yaw', 'pitch', 'roll']);

/** @throws AssertionError when a face is in the table twice. */
export async function readTables(store: ObjectStore): Promise<RunTables> {
  const manifest = await readManifest(store);
  assert.ok(manifest !== undefined, `no manifest in ${store.uri}`);
  const tables = { data: new Map<string, Row>(), rejects: new Map<string, Row>() };
  for (const { key, kind } of manifest.files) {
    const bytes = await store.get(key);
    assert.ok(bytes !== undefined, `${key} is missing`);
    for (const batch of readTable(bytes, { key }).batches) {
      const names = batch.schema.fields.map(({ name }) => name);
      for (let i = 0; i < batch.numRows; i++) {
        const row = Object.fromEntries(names.map((name) => [name, plain(batch.getChild(name)?.get(i))]));
        const faceId = String(row.face_id);
        assert.ok(!tables[kind].has(faceId), `${faceId} is there twice`);
        tables[kind].set(faceId, row);
      }
    }
  }
  return { totals: manifest.totals, ...tables };
}

/** Nothing lost, nothing twice, nothing left over, and the same embeddings. */
export async function assertSameRun(store: ObjectStore, expected: RunTables): Promise<void> {
  const report = await verifyRun(store);
  assert.ok(report.ok, `verify: ${JSON.stringify(report.problems, null, 2)}`);
  const found = await readTables(store);
  const { bytes: _, ...totals } = found.totals;
  const { bytes: __, ...expectedTotals } = expected.totals;
  assert.deepEqual(totals, expectedTotals);
  for (const kind of ['data', 'rejects'] as const) {
    assert.deepEqual([...found[kind].keys()], [...expected[kind].keys()], `faces of ${kind}`);
    for (const [faceId, row] of found[kind]) assertSameRow(row, expected[kind].get(faceId)!);
  }
  await assertNothingLeftOver(store);
}

function assertSameRow(row: Row, expected: Row): void {
  for (const [name, value] of Object.entries(expected)) {
    const where = `${name} of ${String(expected.face_id)}`;
    const found = row[name];
    const tolerance = ANGLES.has(name) ? 100 * TOLERANCE : TOLERANCE;
    if (Array.isArray(value) && Array.isArray(found)) {
      assert.equal(found.length, value.length, where);
      const largest = Math.max(...value.map((number, i) => Math.abs(number - found[i])));
      assert.ok(largest <= tolerance, `${where} differs by ${largest}`);
    } else if (typeof value === 'number' && typeof found === 'number') {
      assert.ok(Math.abs(value - found) <= tolerance, `${where}: ${value}, found ${found}`);
    } else assert.deepEqual(found, value, where);
  }
}

/** Every file is named by the run: more than `verify` asks, which leaves alone what lies beside its folders. */
async function assertNothingLeftOver(store: ObjectStore): Promise<void> {
  const manifest = (await readManifest(store))!;
  const named = new Set(manifest.files.map(({ key }) => key));
  const expected =
    /^(run\.json|manifest\.json|_SUCCESS|subjects\.parquet|(listing|subjects)\/.*\.parquet|listing\/[^/]*|commits\/\d+\.json)$/;
  const others = (await storeKeys(store)).filter((key) => !named.has(key) && !expected.test(key));
  assert.deepEqual(others, []);
}

function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  return [...(value as Iterable<number>)];
}

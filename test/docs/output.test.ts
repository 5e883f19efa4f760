/** docs/output.md has the columns that are written and the reasons that are given, and no others. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { embeddingColumns, REJECT_COLUMNS, SUBJECT_COLUMNS } from '../../src/shared/table/tables.ts';

const read = (path: string) => readFile(join(packageRoot, path), 'utf8');

/** The parts of the document by the beginning of their headings. */
async function partOf(heading: string): Promise<string> {
  const parts = (await read('docs/output.md')).split(/^## /m);
  const part = parts.find((text) => text.startsWith(heading));
  assert.ok(part !== undefined, heading);
  return part;
}

test('docs/output.md has every column of the tables, in the order of the files', async () => {
  const shape = { dim: 512, embeddingType: 'float32', withLandmarks: true, withPostureCode: true } as const;
  const tables = [
    ['`data/', embeddingColumns({ ...shape, labelColumns: [] })],
    ['`subjects.parquet`', SUBJECT_COLUMNS],
    ['`rejects/', REJECT_COLUMNS],
  ] as const;
  for (const [heading, columns] of tables) {
    const named = [...(await partOf(heading)).matchAll(/^\| `(\w+)` *\| ([^|]*)\|/gm)];
    assert.deepEqual(
      named.map(([, name = '', type = '']) => ({ name, nullable: /\?|null/.test(type) })),
      columns.map(({ name, nullable }) => ({ name, nullable })),
    );
  }
});

/** Kept back until there is memory for the photograph: no row has it. */
const NO_REJECT = 'read/no-room';
/** What a table that cannot be read is rejected with is the code of an error. */
const OF_TABLES = ['read/bad-table', 'read/broken-table'];

/** What the code rejects photographs with, by the places where it does. */
async function givenReasons(): Promise<Set<string>> {
  const found = new Set(OF_TABLES);
  for (const folder of ['src/shared/corpus', 'src/worker', 'src/worker/stages']) {
    for (const file of readdirSync(join(packageRoot, folder)).filter((name) => name.endsWith('.ts'))) {
      const text = await read(join(folder, file));
      // The first argument may be a choice of two.
      for (const [, code = ''] of text.matchAll(/(?<!function )\brejected\(\s*([^,]*),/g)) {
        for (const [, word] of code.matchAll(/'([a-z-]+)'/g)) found.add(`read/${word}`);
      }
      for (const [, code] of text.matchAll(/\breject\(\s*'([a-z-]+)'/g)) found.add(`decode/${code}`);
      for (const [, stage, code] of text.matchAll(/stage: '(\w+)',\s*code: '([a-z-]+)'/g)) {
        found.add(`${stage}/${code}`);
      }
    }
  }
  assert.ok(found.delete(NO_REJECT));
  return found;
}

test('docs/output.md has every reason for which a photograph is rejected, and no other', async () => {
  const rows = (await partOf('Why a photograph')).matchAll(/^\| `(\w+)` *\| `([a-z-]+)` *\|/gm);
  const told = [...rows].map(([, stage, code]) => `${stage}/${code}`);
  assert.deepEqual(told.sort(), [...(await givenReasons())].sort());
});

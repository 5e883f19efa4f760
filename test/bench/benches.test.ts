/** Every bench in its smallest run: that it works and says what it should, never how fast. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../../src/shared/package.ts';

const finite = z.number();

const reportSchema = z.strictObject({
  bench: z.string(),
  rows: z
    .array(
      z.strictObject({
        what: z.string().min(1),
        value: finite,
        unit: z.string().min(1),
        limit: finite,
        limitOf: z.string().min(1),
        ratio: finite,
        target: finite,
        atLeast: z.boolean(),
        spread: z.tuple([finite, finite]),
        rounds: z.int().min(1),
      }),
    )
    .min(1),
  skipped: z.array(z.string()),
  constants: z.record(z.string(), finite).optional(),
  versions: z.record(z.string(), z.string()).optional(),
});

for (const name of ['tables', 'queue', 'planning', 'fleet', 'start', 'workers']) {
  test(`the bench "${name}" gives rows of figures`, async () => {
    const file = join(packageRoot, 'dist', 'bench', 'performance', `${name}.js`);
    const { stdout } = await promisify(execFile)(process.execPath, [file, '--quick']);
    const report = reportSchema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
    assert.equal(report.bench, name);
    for (const { ratio, spread } of report.rows) assert.ok(spread[0] <= ratio && ratio <= spread[1]);
  });
}

/** Damaged files in a process of their own: it must survive, answer in time and stay below the stated memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cases, forSeeds } from './cases.ts';
import { openChamber } from './chamber.ts';

/** Resident memory of a process that only reads small files: far above what it needs, far below a bomb. */
const MEMORY = 900 * 2 ** 20;

const CASES: Readonly<Record<string, readonly [short: number, long: number]>> = {
  'posture bank': [300, 4_000],
  ONNX: [300, 6_000],
  'ONNX, run': [150, 2_000],
  'ONNX of a FRA model': [30, 600],
  table: [300, 6_000],
  listing: [300, 4_000],
  'RecordIO archive': [300, 6_000],
  'table of a corpus': [200, 6_000],
  image: [500, 30_000],
  tar: [300, 6_000],
};

/** Cases that a long run found, tried every time. */
const FOUND: Readonly<Record<string, readonly number[]>> = {
  // A Snappy literal of negative length, which hyparquet's own decompression goes round for ever.
  listing: [685581185],
  // A run of levels far longer than its page.
  'table of a corpus': [934767063],
};

for (const [subject, [short, long]] of Object.entries(CASES)) {
  test(`damaged files never end, hang or fill the process that reads them: ${subject}`, async (t) => {
    const chamber = openChamber(subject);
    const outcomes = new Map<string, number>();
    const check = async (seed: number) => {
      const { outcome = '', resident } = await chamber.run(seed);
      assert.ok(resident < MEMORY, `case ${seed}: ${Math.round(resident / 2 ** 20)} MB resident`);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    try {
      for (const seed of FOUND[subject] ?? []) await check(seed);
      await forSeeds(subject, cases(short, long), check);
    } finally {
      await chamber.close();
    }
    t.diagnostic([...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', '));
    // A reader that refuses everything, or takes everything, was not tried.
    assert.ok(outcomes.size > 1);
  });
}

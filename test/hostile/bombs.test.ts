/** Decompression bombs are refused by their header; what is let in stays below the stated memory and time. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { samplePhotographs } from '../helpers/photographs.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { BOMBS } from './bombs.ts';
import { cases, countCases } from './cases.ts';
import { openChamber } from './chamber.ts';

/** What one picture may take beyond the process itself: docs/decisions/hostile-input.md. */
const LARGEST = 600 * 2 ** 20;
/** What a picture may take that is refused by its header, or that is small. */
const SMALL = 64 * 2 ** 20;

test('bombs are refused by their header, in time and without the memory they want', (t) =>
  withTempFolder(async (folder) => {
    process.env.POSECAST_BOMBS = folder;
    const tried = BOMBS.filter(({ large }) => large === undefined || cases(0, 1) === 1);
    await writeFile(join(folder, '0'), samplePhotographs(1)[0]!.bytes);
    for (const [i, { title, make, code, large }] of tried.entries()) {
      const file = i + 1;
      await writeFile(join(folder, String(file)), await make());
      // A process for each: the peak is the highest value of its whole life.
      const chamber = openChamber('bomb');
      try {
        const { peak: before } = await chamber.run(0);
        const { outcome, peak } = await chamber.run(file);
        const took = peak - before;
        t.diagnostic(`${title}: ${outcome}, ${Math.round(took / 2 ** 20)} MB`);
        assert.equal(outcome, code ?? 'ok', title);
        const limit = large || code === undefined ? LARGEST : SMALL;
        assert.ok(took < limit, `${title}: ${Math.round(took / 2 ** 20)} MB`);
      } finally {
        await chamber.close();
      }
    }
    countCases('bomb', tried.length);
  }));

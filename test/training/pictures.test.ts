import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { lossCharts, writeCharts } from '../../src/training/pictures.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Coloured pixels of the first plot, but for its right part, where the names of the curves are. */
async function coloured(path: string): Promise<number> {
  const { width } = await sharp(path).metadata();
  const part = sharp(path).extract({ left: 0, top: 0, width: Math.ceil(width * 0.6), height: 260 });
  const { data, info } = await part.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  let pixels = 0;
  for (let i = 0; i < data.length; i += info.channels) {
    const rgb = data.subarray(i, i + 3);
    if (Math.max(...rgb) - Math.min(...rgb) > 60) pixels++;
  }
  return pixels;
}

test('a stage that validated once has its values in the chart, as one that validated often', () =>
  withTempFolder(async (folder) => {
    const entry = (step: number) => ({
      ...{ step, learningRate: 1e-3, losses: { term: 3 / step } },
      validation: { score: 0.5, measures: {} },
    });
    const drawn = async (steps: readonly number[]) => {
      const path = join(folder, `${steps.length}.png`);
      await writeCharts(path, lossCharts(new Map([['combiner', steps.map(entry)]])));
      return coloured(path);
    };
    assert.equal(await drawn([]), 0);
    assert.ok((await drawn([10])) > 10);
    assert.ok((await drawn([10, 20, 30])) > 10);
  }));

/** The page of runs that make no variants, with poses and without, in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { noChromium, openBrowser, openPage } from '../helpers/services/chromium.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

let browser: Browser | undefined;
before(async () => {
  if (!noChromium) browser = await openBrowser();
});
after(() => browser?.close());

/** Looks at the overview of a run, and at two of its people. */
async function look(
  options: readonly string[],
  overview: (page: Page) => Promise<void>,
  people: (page: Page) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const ran = await posecast(['run', samples, out, '--variants', '0', ...options]);
    assert.equal(ran.code, 0, ran.stderr);
    await withDashboard([out], {}, async ({ url, said }) => {
      const { page, complaints } = await openPage(browser!, url);
      await page.getByText('Complete: 24 faces of 12 people').waitFor();
      await overview(page);
      await page.getByRole('link', { name: 'People' }).click();
      await page.locator('tr[data-person="0.0"] input').check();
      await page.locator('tr[data-person="0.1"] input').check();
      await page.getByRole('button', { name: 'Show the chosen' }).click();
      await page.locator('.people-plot').waitFor();
      assert.equal(await page.locator('[data-chosen] .faces img').count(), 4);
      assert.equal(await page.getByText('poses covered').count(), 0);
      await people(page);
      assert.deepEqual(complaints, []);
      assert.deepEqual(said, []);
    });
  });
}

test(
  'a run without variants shows where photographs look, and no share of what a model could make',
  {
    skip: noChromium,
  },
  () =>
    look(
      [],
      async (page) => {
        await page.getByText('No variants were asked for.').waitFor();
        const plots = page.locator('#coverage .chart');
        assert.deepEqual(await plots.locator('h3').allInnerTexts(), ['Photographs']);
      },
      async (page) => {
        assert.equal(await page.locator('.plot .pose-line').count(), 4);
        assert.ok((await page.locator('[data-chosen] .grid-cell').count()) > 0);
      },
    ),
);

test('a run without poses shows none, and says why', { skip: noChromium }, () =>
  look(
    ['--without-pose'],
    async (page) => page.getByText('This run measures no poses').waitFor(),
    async (page) => {
      assert.equal(await page.locator('.plot .pose-line').count(), 0);
      assert.equal(await page.locator('[data-chosen] .grid-cell').count(), 0);
      const text = await page.locator('main').innerText();
      assert.ok(!/yaw|poses|null|undefined|NaN/.test(text), text);
    },
  ),
);

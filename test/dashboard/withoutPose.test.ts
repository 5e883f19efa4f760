/** The page of a run that measures no poses, in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { noChromium, openBrowser, openPage } from '../helpers/services/chromium.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

test(
  'the page of a run without poses shows none, and says why; people and embeddings as ever',
  { skip: noChromium },
  () =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const ran = await posecast(['run', samples, out, '--variants', '0', '--without-pose']);
      assert.equal(ran.code, 0, ran.stderr);
      const browser = await openBrowser();
      try {
        await withDashboard([out], {}, async ({ url, said }) => {
          const { page, complaints } = await openPage(browser, url);
          await page.getByText('Complete: 24 faces of 12 people').waitFor();
          await page.getByText('This run measures no poses').waitFor();
          await page.getByRole('link', { name: 'People' }).click();
          await page.locator('tr[data-person="0.0"] input').check();
          await page.locator('tr[data-person="0.1"] input').check();
          await page.getByRole('button', { name: 'Show the chosen' }).click();
          await page.locator('.people-plot').waitFor();
          assert.equal(await page.locator('.plot .pose-line').count(), 0);
          assert.equal(await page.locator('[data-chosen] .grid-cell').count(), 0);
          assert.equal(await page.locator('[data-chosen] .faces img').count(), 4);
          const text = await page.locator('main').innerText();
          assert.ok(!/yaw|poses|null|undefined|NaN/.test(text), text);
          assert.deepEqual(complaints, []);
          assert.deepEqual(said, []);
        });
      } finally {
        await browser.close();
      }
    }),
);

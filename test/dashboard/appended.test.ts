/** The page of a run that photographs were added to, in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { addSamples } from '../helpers/addSamples.ts';
import { posecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { eventually, noChromium, openBrowser, openPage } from '../helpers/services/chromium.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test(
  'after an append the page is about the whole run: its totals, its generations, and everybody once with all photographs',
  { skip: noChromium },
  () =>
    withTempFolder(async (folder) => {
      const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
      const args = ['run', corpus, out, '--variants', '3', '--shard-faces', '2', '--append'];
      await addSamples(corpus, ['002/neutral', '004/neutral', '004/smile']);
      const planned = await posecast(args);
      assert.equal(planned.code, 0, planned.stderr);
      const browser = await openBrowser();
      try {
        await withDashboard([out], {}, async ({ url, said }) => {
          const { page, complaints } = await openPage(browser, url);
          await page.getByText('Complete: 3 faces of 2 people').waitFor();
          assert.equal(await page.locator('#generations tr').count(), 0);

          await addSamples(corpus, ['001/neutral', '002/smile', '003/smile']);
          const appended = await posecast(args);
          assert.equal(appended.code, 0, appended.stderr);
          await page.reload();
          await page.getByText('Complete: 6 faces of 4 people').waitFor();
          assert.match(await page.locator('#facts').innerText(), /6 faces of 4 people/);
          const cells = (generation: number) =>
            page.locator(`[data-generation="${generation}"] td`).allInnerTexts();
          const [number, what, date, ...counts] = await cells(1);
          assert.deepEqual([number, what, ...counts], ['1', 'photographs added', '3', '2', '2', '2']);
          assert.match(date ?? '', /\d:\d\d/);
          assert.deepEqual((await cells(0)).slice(3), ['3', '2', '2', '2']);
          await page.getByText('Counted over 4 people').waitFor();

          await page.getByRole('link', { name: 'People' }).click();
          const names = await page.locator('tr[data-person] td:first-child').allInnerTexts();
          assert.deepEqual(
            names.map((name) => name.trim()),
            ['002', '004', '001', '003'],
          );
          await page.getByRole('searchbox').fill('003');
          await page.getByRole('button', { name: 'Find' }).click();
          await page.locator('tr[data-person]').first().getByText('003').waitFor();
          await page.getByRole('link', { name: 'People' }).click();
          await page.getByLabel('002').check();
          await page.getByRole('button', { name: 'Show the chosen' }).click();
          const card = page.locator('[data-chosen]');
          assert.match(await card.innerText(), /2 faces, 3 variants/);
          // A photograph of each generation.
          assert.equal(await card.locator('.faces img').count(), 2);
          await eventually(
            page,
            '[...document.querySelectorAll("[data-chosen] img")].every((img) => img.complete && img.naturalWidth > 0)',
          );
          assert.equal(await page.locator('.plot .pose-line').count(), 5);
          assert.deepEqual(complaints, []);
          assert.deepEqual(said, []);
        });
      } finally {
        await browser.close();
      }
    }),
);

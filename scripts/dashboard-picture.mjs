// Makes docs/pictures/dashboard.png: the run page of the sample corpus with a few broken photographs put in. Needs a
// build (npm test or npx tsc -p .) and Chromium.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'docs', 'pictures', 'dashboard.png');
const folder = mkdtempSync(join(tmpdir(), 'posecast-picture-'));
const posecast = join(root, 'bin', 'posecast.js');

try {
  const corpus = join(folder, 'faces');
  cpSync(join(root, 'samples', 'london'), corpus, { recursive: true });
  const photograph = readFileSync(join(corpus, '001', 'neutral.jpg'));
  writeFileSync(join(corpus, '003', 'upload-failed.jpg'), photograph.subarray(0, 24_000));
  writeFileSync(join(corpus, '007', 'notes.jpg'), 'Remember to ask for a better picture.\n');
  writeFileSync(join(corpus, '009', 'wall.jpg'), await sharp(photograph).blur(40).jpeg().toBuffer());
  const args = [
    'run',
    corpus,
    join(folder, 'night-1'),
    '--variants',
    '10',
    '--shard-faces',
    '2',
    '--threads',
    '1',
  ];
  const ran = spawnSync(process.execPath, [posecast, ...args], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const server = spawn(process.execPath, [
    posecast,
    'dashboard',
    join(folder, 'night-1'),
    '--port',
    '0',
    '--json',
  ]);
  try {
    const [line] = await once(server.stdout, 'data');
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    });
    const page = await browser.newPage({ viewport: { width: 1120, height: 1610 } });
    await page.goto(JSON.parse(String(line)).url);
    await page.locator('#coverage svg').first().waitFor();
    await page.locator('.gallery .face').first().waitFor();
    await page.waitForTimeout(1_500);
    const picture = await page.screenshot();
    await browser.close();
    const png = await sharp(picture).png({ palette: true, colours: 128, effort: 10 }).toBuffer();
    writeFileSync(target, png);
    console.log(`${target}: ${png.length} bytes`);
  } finally {
    server.kill('SIGTERM');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

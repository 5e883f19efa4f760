/** A real browser: the system's Chromium, or the one that CHROMIUM names. Nothing is downloaded. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const chromiumPath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));

/** For a test's `skip`: false where there is a browser. */
export const noChromium = chromiumPath === undefined ? 'no Chromium here (apt-get install chromium)' : false;

/** To be closed by the caller. */
export function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error(String(noChromium));
  // Without its sandbox, since tests may run as root in a container; it sees pages of these tests only.
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the page and of what it loads; requests to other hosts. */
  readonly complaints: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:'))
      complaints.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, complaints };
}

/** Waits until an expression holds in the page. */
export async function eventually(page: Page, expression: string, seconds = 30): Promise<void> {
  const end = Date.now() + 1_000 * seconds;
  while ((await page.evaluate(`Boolean(${expression})`)) !== true) {
    assert.ok(Date.now() < end, `after ${seconds} s it is still not so: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the pages load: style sheet, script, icon. Held in memory; the address changes with the content. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { STYLE } from './pages/style.ts';

export interface Assets {
  /** Of all of them. */
  readonly version: string;
  /** By the last part of the address. */
  readonly files: ReadonlyMap<string, { readonly type: string; readonly body: string }>;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0067a5"/><circle cx="16" cy="12.5" r="5.5" fill="none" stroke="#fff" stroke-width="2.6"/><path d="M6.5 27c1.5-6 5-8.5 9.500-8.500s8 2.500 9.500 8.500" fill="none" stroke="#f0b040" stroke-width="2.600" stroke-linecap="round"/></svg>`;

const NO_PICTURE = noPicture('no picture');

/** A picture that says why there is none. `word` is one of the server's own. */
export function noPicture(word: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 88 88"><rect width="88" height="88" fill="#8a8f96" fill-opacity=".18"/>${word
    .split(/ (?=\S+$)/)
    .map(
      (line, i, lines) =>
        `<text x="44" y="${48 + (i - (lines.length - 1) / 2) * 14}" font-family="system-ui,sans-serif" font-size="11" fill="#7a828c" text-anchor="middle">${line}</text>`,
    )
    .join('')}</svg>`;
}

export async function loadAssets(): Promise<Assets> {
  // JavaScript already, and copied beside this file by the compiler, whose comment about a map no browser can follow.
  const file = new URL('client/dashboard.js', import.meta.url);
  const script = (await readFile(file, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '');
  const files = new Map([
    ['dashboard.css', { type: 'text/css; charset=utf-8', body: STYLE }],
    ['dashboard.js', { type: 'text/javascript; charset=utf-8', body: script }],
    ['icon.svg', { type: 'image/svg+xml', body: ICON }],
    ['no-picture.svg', { type: 'image/svg+xml', body: NO_PICTURE }],
  ]);
  const version = createHash('sha256').update(STYLE).update(script).digest('hex').slice(0, 12);
  return { version, files };
}

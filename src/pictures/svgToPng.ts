/** Drawings are written as SVG and become PNG files through libvips. */
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { printable } from '../shared/text/printable.ts';

let fontLoaded: Promise<unknown> | undefined;

/**
 * Renders an SVG document. Text is set in DejaVu Sans, which comes from npm, so that a machine without any font
 * draws the same picture: libvips adds the file to the process's fonts when a text is rendered with it once.
 */
export async function svgToPng(svg: string): Promise<Buffer> {
  const fontfile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  fontLoaded ??= sharp({ text: { text: ' .', font: 'DejaVu Sans', fontfile } })
    .png()
    .toBuffer();
  await fontLoaded;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** An SVG document of this size on white, with the pictures' one font. */
export function svgDocument(width: number, height: number, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` font-family="DejaVu Sans" font-size="13" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...body,
    '</svg>',
  ].join('\n');
}

export interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** A line of text with its baseline at (x, y). */
export function svgText(x: number, y: number, text: string, style: TextStyle = {}): string {
  const attributes = [
    style.size === undefined ? '' : ` font-size="${style.size}"`,
    style.fill === undefined ? '' : ` fill="${style.fill}"`,
    style.anchor === undefined ? '' : ` text-anchor="${style.anchor}"`,
  ].join('');
  return `<text x="${x}" y="${y}"${attributes}>${escapeXml(text)}</text>`;
}

const TITLE_SIZE = 15;

/** A title, at most `width` pixels wide; of one that may be wider the end is drawn: of a path, the file. */
export function svgTitle(x: number, y: number, title: string, width: number): string {
  // No letter is wider than its size.
  const most = Math.floor(width / TITLE_SIZE);
  const letters = Array.from(title);
  const shown = letters.length > most ? `…${letters.slice(1 - most).join('')}` : title;
  return svgText(x, y, shown, { size: TITLE_SIZE });
}

/** A picture of raw pixels, `channels` 1 (grey) or 3 (RGB), scaled without smoothing. */
export async function svgImage(
  x: number,
  y: number,
  side: number,
  pixels: { data: Uint8Array; width: number; height: number; channels: 1 | 3 },
): Promise<string> {
  const { data, ...raw } = pixels;
  const png = await sharp(data, { raw }).resize(side, side, { kernel: 'nearest' }).png().toBuffer();
  const href = `data:image/png;base64,${png.toString('base64')}`;
  return `<image x="${x}" y="${y}" width="${side}" height="${side}" href="${href}"/>`;
}

/** Names of files and people may hold what XML forbids, even escaped. */
function escapeXml(text: string): string {
  return printable(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

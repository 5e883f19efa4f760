/** Photographs by file name. What the decoder cannot open becomes a rejection there, and is not lost here. */
import { extname } from 'node:path';

const EXTENSIONS: ReadonlySet<string> = new Set([
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'],
  ...['.pgm', '.ppm', '.pbm', '.pnm', '.bmp', '.heic', '.heif', '.jp2', '.jxl'],
]);

export function isImageName(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase());
}

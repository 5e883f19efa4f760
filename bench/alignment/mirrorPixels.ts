/** Left-right mirror of interleaved RGB. */
export function mirrorPixels<T extends Float32Array | Uint8Array>(pixels: T, width: number): T {
  const mirrored = pixels.slice() as T;
  const lineSize = width * 3;
  for (let line = 0; line < pixels.length; line += lineSize) {
    for (let x = 0; x < width; x++) {
      const from = line + x * 3;
      const to = line + (width - 1 - x) * 3;
      mirrored[to] = pixels[from]!;
      mirrored[to + 1] = pixels[from + 1]!;
      mirrored[to + 2] = pixels[from + 2]!;
    }
  }
  return mirrored;
}

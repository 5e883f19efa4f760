/** What pixels.wat computes, written plainly: the reference that the compiled loops are held to. */
import type { Raster } from '../../../src/worker/models/raster.ts';

/** The value of a channel; 0 outside the picture. */
export function valueAt({ width, height, data }: Raster, x: number, y: number, channel: number): number {
  return x >= 0 && y >= 0 && x < width && y < height ? data[(y * width + x) * 3 + channel]! : 0;
}

/** Triangle filter as wide as the step, for every output pixel over every source pixel. */
export function resampleSlowly(
  source: Raster,
  region: { x: number; y: number; width: number; height: number },
  width: number,
  height: number,
): Float64Array {
  const result = new Float64Array(width * height * 3);
  const across = weightsOf(region.x, region.width, width, source.width);
  const down = weightsOf(region.y, region.height, height, source.height);
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      for (const [y, weightY] of down[v]!) {
        for (const [x, weightX] of across[u]!) {
          for (let c = 0; c < 3; c++) {
            result[(v * width + u) * 3 + c]! += weightX * weightY * valueAt(source, x, y, c);
          }
        }
      }
    }
  }
  return result;
}

function weightsOf(start: number, length: number, count: number, size: number): [number, number][][] {
  const step = length / count;
  const support = Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * step;
    const near: [number, number][] = [];
    for (let pixel = Math.floor(centre - support) - 1; pixel <= centre + support + 1; pixel++) {
      near.push([pixel, Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / support)]);
    }
    const total = near.reduce((sum, [, weight]) => sum + weight, 0);
    return near
      .map(([pixel, weight]): [number, number] => [pixel, weight / total])
      .filter(([pixel]) => pixel >= 0 && pixel < size);
  });
}

/** The mean of samples² bilinear values for every pixel of a square crop, not rounded. */
export function warpSlowly(
  source: Raster,
  { a, b, tx, ty }: { a: number; b: number; tx: number; ty: number },
  samples: number,
  side: number,
): Float64Array {
  const result = new Float64Array(side * side * 3);
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      for (let n = 0; n < samples * samples; n++) {
        const cropX = u + ((n % samples) + 0.5) / samples;
        const cropY = v + (Math.floor(n / samples) + 0.5) / samples;
        const x = a * cropX - b * cropY + tx;
        const y = b * cropX + a * cropY + ty;
        const [left, top] = [Math.floor(x), Math.floor(y)];
        for (let c = 0; c < 3; c++) {
          const upper = mix(valueAt(source, left, top, c), valueAt(source, left + 1, top, c), x - left);
          const lower = mix(
            valueAt(source, left, top + 1, c),
            valueAt(source, left + 1, top + 1, c),
            x - left,
          );
          result[(v * side + u) * 3 + c]! += mix(upper, lower, y - top) / samples ** 2;
        }
      }
    }
  }
  return result;
}

const mix = (from: number, to: number, share: number) => from + (to - from) * share;

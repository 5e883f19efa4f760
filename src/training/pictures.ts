/** Pictures of a training: what a person looks at to see what failed. */
import sharp from 'sharp';
import type { LogEntry } from '../fra/training/loop.ts';
import { CROP_SIZE } from '../shared/face.ts';

/** Black gap between pictures of a sheet, pixels. */
const GAP = 2;

/** Pairs of pictures (112×112, 0–1), originals above, redrawn ones below. */
export async function writeReconstructions(
  path: string,
  pairs: readonly { readonly original: Float32Array; readonly redrawn: Float32Array }[],
): Promise<void> {
  const cell = CROP_SIZE + GAP;
  const width = pairs.length * cell;
  const height = 2 * cell;
  const data = Buffer.alloc(width * height, 96);
  pairs.forEach(({ original, redrawn }, column) => {
    [original, redrawn].forEach((image, row) => {
      for (let i = 0; i < image.length; i++) {
        const x = column * cell + (i % CROP_SIZE);
        const y = row * cell + Math.floor(i / CROP_SIZE);
        data[y * width + x] = Math.round(255 * image[i]!);
      }
    });
  });
  await sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 9 })
    .toFile(path);
}

export interface Curve {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly curves: readonly Curve[];
}

const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#17becf'];
const WIDTH = 460;
const HEIGHT = 260;
const PLOT = { left: 56, right: 16, top: 30, bottom: 40 };

/** Charts one below the other. */
export async function writeCharts(path: string, charts: readonly Chart[]): Promise<void> {
  const body = charts.map((chart, i) => `<g transform="translate(0 ${i * HEIGHT})">${drawChart(chart)}</g>`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${charts.length * HEIGHT}"
    font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${body.join('')}</svg>`;
  await sharp(Buffer.from(svg)).png({ compressionLevel: 9, palette: true }).toFile(path);
}

function drawChart({ title, xLabel, curves }: Chart): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) return `<text x="12" y="18">${title}: no data</text>`;
  const [xMin, xMax] = range(points.map(({ x }) => x));
  const [yMin, yMax] = range(points.map(({ y }) => y));
  const toX = (x: number) => PLOT.left + ((x - xMin) / (xMax - xMin)) * (WIDTH - PLOT.left - PLOT.right);
  const toY = (y: number) =>
    HEIGHT - PLOT.bottom - ((y - yMin) / (yMax - yMin)) * (HEIGHT - PLOT.top - PLOT.bottom);
  const axes = [0, 0.5, 1].map((share) => {
    const x = xMin + share * (xMax - xMin);
    const y = yMin + share * (yMax - yMin);
    return `<text x="${toX(x)}" y="${HEIGHT - PLOT.bottom + 14}" text-anchor="middle">${number(x)}</text>
      <text x="${PLOT.left - 6}" y="${toY(y) + 4}" text-anchor="end">${number(y)}</text>
      <line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${toY(y)}" y2="${toY(y)}" stroke="#ddd"/>`;
  });
  const lines = curves.map(({ label, points: own }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const places = own.map(({ x, y }) => [toX(x).toFixed(1), toY(y).toFixed(1)] as const);
    // A line through one point is nothing: a stage that validated once.
    const drawn =
      places.length === 1
        ? `<circle cx="${places[0]![0]}" cy="${places[0]![1]}" r="3" fill="${colour}"/>`
        : `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    return `${drawn}
      <text x="${WIDTH - PLOT.right - 4}" y="${PLOT.top + 14 + 14 * i}" fill="${colour}" text-anchor="end">${label}</text>`;
  });
  return `<text x="${PLOT.left}" y="18" font-weight="bold">${title}</text>${axes.join('')}${lines.join('')}
    <text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xLabel}</text>`;
}

function range(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

/**
 * Learning curves of every stage over its steps: loss terms with the score that chooses, and what validation measures.
 */
export function lossCharts(curves: ReadonlyMap<string, readonly LogEntry[]>): Chart[] {
  return [...curves].flatMap(([stage, entries]) => {
    const curve = (label: string, value: (entry: LogEntry) => number) => ({
      label,
      points: entries.map((entry) => ({ x: entry.step, y: value(entry) })),
    });
    return [
      {
        title: `${stage}: loss terms`,
        xLabel: 'step',
        curves: [
          ...Object.keys(entries[0]?.losses ?? {}).map((term) =>
            curve(term, (entry) => entry.losses[term] ?? 0),
          ),
          curve('validation score', (entry) => entry.validation.score),
        ],
      },
      {
        title: `${stage}: validation people`,
        xLabel: 'step',
        curves: Object.keys(entries[0]?.validation.measures ?? {}).map((measure) =>
          curve(measure, (entry) => entry.validation.measures[measure] ?? 0),
        ),
      },
    ];
  });
}

/** Share of values in each of `bins` equal steps from low to high, as a curve. */
export function histogram(
  label: string,
  values: readonly number[],
  low: number,
  high: number,
  bins = 40,
): Curve {
  const counts = new Float64Array(bins);
  for (const value of values) {
    counts[Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins)))]! += 1;
  }
  return {
    label,
    points: Array.from(counts, (count, i) => ({
      x: low + ((i + 0.5) * (high - low)) / bins,
      y: count / Math.max(1, values.length),
    })),
  };
}

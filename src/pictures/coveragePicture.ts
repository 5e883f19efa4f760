/** Where a subject's faces look: the pose grid before and after augmentation. */
import type { Pose } from '../shared/face.ts';
import { binCentre, countPoses, PITCH_BINS, POSE_BINS, YAW_BINS } from '../shared/poseBins.ts';
import { svgDocument, svgText, svgTitle, svgToPng } from './svgToPng.ts';

export interface CoveragePicture {
  /** The end of a longer one than has room is drawn. */
  readonly title: string;
  readonly real: readonly Pick<Pose, 'yaw' | 'pitch'>[];
  readonly variants: readonly Pick<Pose, 'yaw' | 'pitch'>[];
}

const CELL_WIDTH = 52;
const CELL_HEIGHT = 64;
const PANEL_WIDTH = YAW_BINS * CELL_WIDTH;
const PANEL_HEIGHT = PITCH_BINS * CELL_HEIGHT;
const LEFT = 64;
const TOP = 74;
const GAP = 48;

/** PNG bytes: two grids, yaw to the right and pitch upwards, a cell a bin, its count inside. */
export async function drawCoverage(picture: CoveragePicture): Promise<Buffer> {
  const { real, variants } = picture;
  const right = LEFT + PANEL_WIDTH + GAP;
  // Not "of all": a posture bank may not reach some of them, and a run is not to blame for those.
  const filled = (poses: CoveragePicture['real']) =>
    `${countPoses(poses).filter((faces) => faces > 0).length} bins filled`;
  return svgToPng(
    svgDocument(right + PANEL_WIDTH + 24, TOP + PANEL_HEIGHT + 52, [
      svgTitle(LEFT, 24, picture.title, right + PANEL_WIDTH - LEFT),
      svgText(LEFT, TOP - 14, `before: ${real.length} real faces, ${filled(real)}`),
      svgText(right, TOP - 14, `after: + ${variants.length} variants, ${filled([...real, ...variants])}`),
      ...pitchLabels(),
      ...grid(LEFT, countPoses(real), countPoses([])),
      ...grid(right, countPoses(real), countPoses(variants)),
    ]),
  );
}

function grid(x0: number, real: Uint32Array, variants: Uint32Array): string[] {
  const body: string[] = [];
  for (let bin = 0; bin < POSE_BINS; bin++) {
    const x = x0 + (bin % YAW_BINS) * CELL_WIDTH;
    const y = rowTop(Math.floor(bin / YAW_BINS));
    const faces = real[bin]!;
    const generated = variants[bin]!;
    const fill = faces > 0 ? '#2f6f9f' : generated > 0 ? '#e39b3a' : '#f3f3f3';
    body.push(
      `<rect x="${x}" y="${y}" width="${CELL_WIDTH - 2}" height="${CELL_HEIGHT - 2}" rx="3" fill="${fill}"/>`,
    );
    const label = [faces > 0 ? `${faces}` : '', generated > 0 ? `+${generated}` : ''].join(' ').trim();
    const middle = { anchor: 'middle', fill: '#fff', size: 14 } as const;
    if (label !== '') body.push(svgText(x + CELL_WIDTH / 2 - 1, y + CELL_HEIGHT / 2 + 4, label, middle));
  }
  for (let bin = 0; bin < YAW_BINS; bin++) {
    body.push(
      svgText(x0 + (bin + 0.5) * CELL_WIDTH, TOP + PANEL_HEIGHT + 18, degrees(binCentre(bin).yaw), {
        anchor: 'middle',
        fill: '#666',
      }),
    );
  }
  body.push(
    svgText(x0 + PANEL_WIDTH / 2, TOP + PANEL_HEIGHT + 38, 'yaw (blue: real, orange: generated only)', {
      anchor: 'middle',
      fill: '#666',
    }),
  );
  return body;
}

function pitchLabels(): string[] {
  return Array.from({ length: PITCH_BINS }, (_, row) => {
    const { pitch } = binCentre(row * YAW_BINS);
    return svgText(LEFT - 10, rowTop(row) + CELL_HEIGHT / 2 + 4, degrees(pitch), {
      anchor: 'end',
      fill: '#666',
    });
  });
}

/** Higher pitch is drawn higher. */
function rowTop(row: number): number {
  return TOP + (PITCH_BINS - 1 - row) * CELL_HEIGHT;
}

function degrees(value: number): string {
  return `${value > 0 ? '+' : ''}${value}°`;
}

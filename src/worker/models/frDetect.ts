/**
 * `fr_detect` (faceplugin-face-recognition-js): an Ultra-Light-Fast detector for 320×240, boxes without points.
 * Input [N,3,240,320], RGB (v − 127)/128, picture in the top-left corner on black. Outputs `scores` [N,4420,2]
 * (column 1 = face) and `boxes` [N,4420,4], corners as fractions of the input. The same network for 160×128
 * (frDetectSize.ts) glances.
 */
import type { Detection, Detector, View } from './detector.ts';
import { suppress } from './detector.ts';
import { anchorCount, detectorOfSize, type InputSize } from './frDetectSize.ts';
import { normalisedPlanes } from './planes.ts';
import type { Box } from './raster.ts';
import { resamplePlanes } from './resample.ts';
import { inRuns, type NetworkSession, openSession, outputOf, type SessionOptions } from './session.ts';

const FULL: InputSize = { width: 320, height: 240 };
/** Multiples of the largest stride that divides both evenly enough: every cell of strides 8 to 32 is whole. */
const GLANCE: InputSize = { width: 160, height: 128 };
const MIN_SCORE = 0.65;
const MAX_OVERLAP = 0.4;
const PLANES = normalisedPlanes({ mean: [127, 127, 127], std: [128, 128, 128], channelOrder: 'RGB' });

/** Pixels a run: those of one view at full size, or of three at a glance. More are slower and keep more memory. */
const CPU_PIXELS = 320 * 240;

export async function openFrDetector(path: string, options: SessionOptions): Promise<Detector> {
  const full = await openSession(path, options);
  const small = await openSession(path, options, (file) => detectorOfSize(file, GLANCE));
  return {
    detect: (views) => detectAt(full, FULL, views),
    glance: (views) => detectAt(small, GLANCE, views),
    async close() {
      await full.close();
      await small.close();
    },
  };
}

function detectAt(session: NetworkSession, size: InputSize, views: readonly View[]): Promise<Detection[][]> {
  const onCpu = Math.floor(CPU_PIXELS / (size.width * size.height));
  return inRuns(session, onCpu, views, (batch) => detectBatch(session, size, batch));
}

async function detectBatch(
  session: NetworkSession,
  size: InputSize,
  views: readonly View[],
): Promise<Detection[][]> {
  const { width, height } = size;
  const anchors = anchorCount(size);
  const itemSize = 3 * height * width;
  const input = session.inputOf(views.length * itemSize);
  const frames = views.map(({ region }) => frameOf(region, size));
  views.forEach(({ picture }, i) => {
    resamplePlanes(picture, frames[i]!, [width, height], PLANES, input, i * itemSize);
  });
  const outputs = await session.run(input, [views.length, 3, height, width]);
  const scores = outputOf(session, outputs, 'scores', [anchors, 2]);
  const boxes = outputOf(session, outputs, 'boxes', [anchors, 4]);
  return frames.map((frame, i) =>
    readFaces(
      scores.subarray(i * anchors * 2, (i + 1) * anchors * 2),
      boxes.subarray(i * anchors * 4, (i + 1) * anchors * 4),
      frame,
    ),
  );
}

/** The frame in the input's aspect whose top-left part is the region, unstretched: stretching loses faces. */
function frameOf(region: Box, size: InputSize): Box {
  const step = Math.max(region.width / size.width, region.height / size.height);
  return { x: region.x, y: region.y, width: step * size.width, height: step * size.height };
}

function readFaces(scores: Float32Array, boxes: Float32Array, frame: Box): Detection[] {
  const candidates: Detection[] = [];
  for (let i = 0; i * 2 < scores.length; i++) {
    const score = scores[i * 2 + 1]!;
    if (score < MIN_SCORE) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(i * 4, i * 4 + 4);
    candidates.push({
      box: {
        x: frame.x + left * frame.width,
        y: frame.y + top * frame.height,
        width: (right - left) * frame.width,
        height: (bottom - top) * frame.height,
      },
      score,
    });
  }
  return suppress(candidates, MAX_OVERLAP);
}

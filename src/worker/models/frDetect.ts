/**
 * `fr_detect` (faceplugin-face-recognition-js): an Ultra-Light-Fast detector for 320×240, boxes without points.
 * Input [N,3,240,320], RGB (v − 127)/128, picture in the top-left corner on black. Outputs `scores` [N,4420,2]
 * (column 1 = face) and `boxes` [N,4420,4], corners as fractions of the input.
 */
import type { Detection, Detector, View } from './detector.ts';
import { suppress } from './detector.ts';
import { type Box, resample, writePlanes } from './raster.ts';
import { batchOn, type NetworkSession, outputOf } from './session.ts';

const WIDTH = 320;
const HEIGHT = 240;
const ANCHORS = 4420;
const MIN_SCORE = 0.65;
const MAX_OVERLAP = 0.4;
const PIXELS = { mean: [127, 127, 127], std: [128, 128, 128], channelOrder: 'RGB' } as const;

/** Views a run: one is 0.9 MB of input and many times that inside the network. */
const CPU_BATCH = 5;

export function frDetector(session: NetworkSession): Detector {
  const batch = batchOn(session, CPU_BATCH);
  return {
    async detect(views: readonly View[]): Promise<Detection[][]> {
      const found: Detection[][] = [];
      for (let start = 0; start < views.length; start += batch) {
        found.push(...(await detectBatch(session, views.slice(start, start + batch))));
      }
      return found;
    },
    close: () => session.close(),
  };
}

async function detectBatch(session: NetworkSession, views: readonly View[]): Promise<Detection[][]> {
  const itemSize = 3 * HEIGHT * WIDTH;
  const input = new Float32Array(views.length * itemSize);
  const frames = views.map(({ region }) => frameOf(region));
  views.forEach(({ picture }, i) => {
    writePlanes(input, i * itemSize, resample(picture, frames[i]!, WIDTH, HEIGHT), PIXELS);
  });
  const outputs = await session.run(input, [views.length, 3, HEIGHT, WIDTH]);
  const scores = outputOf(session, outputs, 'scores', [ANCHORS, 2]);
  const boxes = outputOf(session, outputs, 'boxes', [ANCHORS, 4]);
  return frames.map((frame, i) =>
    readFaces(
      scores.subarray(i * ANCHORS * 2, (i + 1) * ANCHORS * 2),
      boxes.subarray(i * ANCHORS * 4, (i + 1) * ANCHORS * 4),
      frame,
    ),
  );
}

/** The 4:3 frame whose top-left part is the region, keeping the aspect: stretching loses faces. */
function frameOf(region: Box): Box {
  const step = Math.max(region.width / WIDTH, region.height / HEIGHT);
  return { x: region.x, y: region.y, width: step * WIDTH, height: step * HEIGHT };
}

function readFaces(scores: Float32Array, boxes: Float32Array, frame: Box): Detection[] {
  const candidates: Detection[] = [];
  for (let i = 0; i < ANCHORS; i++) {
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

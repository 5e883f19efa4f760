/**
 * YuNet 2023mar (OpenCV zoo): boxes and five points at three strides. Input [1,3,640,640], BGR 0–255. Outputs
 * `cls_S`, `obj_S` [1,n,1], `bbox_S` [1,n,4] (centre offset and log size in strides) and `kps_S` [1,n,10] for
 * strides S = 8, 16, 32 on a row-major grid.
 */
import type { Detection, Detector, View } from './detector.ts';
import { suppress } from './detector.ts';
import { normalisedPlanes } from './planes.ts';
import type { Box } from './raster.ts';
import { resamplePlanes } from './resample.ts';
import type { NetworkTensors } from './runtime.ts';
import { type NetworkSession, outputOf } from './session.ts';

const SIDE = 640;
const STRIDES = [8, 16, 32] as const;
const MIN_SCORE = 0.6;
const MAX_OVERLAP = 0.3;
/** Small pictures are enlarged at most this much: the network's faces are smaller than half its frame. */
const MAX_ENLARGEMENT = 2;
const PLANES = normalisedPlanes({ mean: [0, 0, 0], std: [1, 1, 1], channelOrder: 'BGR' });

export function yunetDetector(session: NetworkSession): Detector {
  return {
    async detect(views: readonly View[]): Promise<Detection[][]> {
      const itemSize = 3 * SIDE * SIDE;
      const found: Detection[][] = [];
      // One view a run: the graph's batch is fixed at 1 and a view is 5 MB.
      for (const { picture, region } of views) {
        const side = Math.max(region.width, region.height, SIDE / MAX_ENLARGEMENT);
        const frame = { x: region.x, y: region.y, width: side, height: side };
        const input = session.inputOf(itemSize);
        resamplePlanes(picture, frame, [SIDE, SIDE], PLANES, input, 0);
        found.push(readFaces(session, await session.run(input, [1, 3, SIDE, SIDE]), frame));
      }
      return found;
    },
    close: () => session.close(),
  };
}

function readFaces(session: NetworkSession, outputs: NetworkTensors, frame: Box): Detection[] {
  const candidates: Detection[] = [];
  const unit = frame.width / SIDE;
  for (const stride of STRIDES) {
    const columns = SIDE / stride;
    const cells = columns * columns;
    const classes = outputOf(session, outputs, `cls_${stride}`, [cells, 1]);
    const objects = outputOf(session, outputs, `obj_${stride}`, [cells, 1]);
    const boxes = outputOf(session, outputs, `bbox_${stride}`, [cells, 4]);
    const keypoints = outputOf(session, outputs, `kps_${stride}`, [cells, 10]);
    for (let i = 0; i < cells; i++) {
      const score = Math.sqrt(clamp(classes[i]!) * clamp(objects[i]!));
      if (score < MIN_SCORE) continue;
      const column = i % columns;
      const row = Math.floor(i / columns);
      const scale = stride * unit;
      const width = Math.exp(boxes[i * 4 + 2]!) * scale;
      const height = Math.exp(boxes[i * 4 + 3]!) * scale;
      const points = new Float32Array(10);
      for (let p = 0; p < 5; p++) {
        points[p * 2] = frame.x + (column + keypoints[i * 10 + p * 2]!) * scale;
        points[p * 2 + 1] = frame.y + (row + keypoints[i * 10 + p * 2 + 1]!) * scale;
      }
      candidates.push({
        box: {
          x: frame.x + (column + boxes[i * 4]!) * scale - width / 2,
          y: frame.y + (row + boxes[i * 4 + 1]!) * scale - height / 2,
          width,
          height,
        },
        score,
        points,
      });
    }
  }
  return suppress(candidates, MAX_OVERLAP);
}

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/**
 * `fr_pose` (Hopenet kind): head pose as three distributions over 66 bins of 3 degrees. Input [N,3,224,224], RGB
 * 0–1 with ImageNet mean and deviation, the tight square of the face without any margin (a margin of 25 % turns the
 * signs). Outputs `output` yaw, `617` pitch, `618` roll, each [N,66] before softmax; degrees = Σ p·i·3 − 97.5.
 */
import type { View } from './detector.ts';
import { mirrorPlanes, resample, writePlanes } from './raster.ts';
import { batchOn, type NetworkSession, outputOf } from './session.ts';

const SIDE = 224;
const BINS = 66;
const PIXELS = {
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
  channelOrder: 'RGB',
} as const;
/** Pictures a run, mirror images included: one is 0.6 MB of input and far more inside the network. */
const CPU_BATCH = 4;

/** Angles as the network gives them, in degrees. */
export interface RawPose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

export interface PoseNetwork {
  /** For each square: the angles of the picture and of its mirror image. */
  measure(squares: readonly View[]): Promise<{ plain: RawPose; mirrored: RawPose }[]>;
  close(): Promise<void>;
}

export function frPoseNetwork(session: NetworkSession): PoseNetwork {
  const pairs = batchOn(session, CPU_BATCH) / 2;
  return {
    async measure(squares) {
      const measured: { plain: RawPose; mirrored: RawPose }[] = [];
      for (let start = 0; start < squares.length; start += pairs) {
        measured.push(...(await measureBatch(session, squares.slice(start, start + pairs))));
      }
      return measured;
    },
    close: () => session.close(),
  };
}

async function measureBatch(session: NetworkSession, squares: readonly View[]) {
  const itemSize = 3 * SIDE * SIDE;
  const input = new Float32Array(squares.length * 2 * itemSize);
  squares.forEach(({ picture, region }, i) => {
    const pixels = resample(picture, region, SIDE, SIDE);
    writePlanes(input, i * 2 * itemSize, pixels, PIXELS);
    mirrorPlanes(input.subarray(i * 2 * itemSize, (i * 2 + 2) * itemSize), SIDE);
  });
  const outputs = await session.run(input, [squares.length * 2, 3, SIDE, SIDE]);
  const yaw = outputOf(session, outputs, 'output', [BINS]);
  const pitch = outputOf(session, outputs, '617', [BINS]);
  const roll = outputOf(session, outputs, '618', [BINS]);
  const at = (i: number): RawPose => ({
    yaw: expectedDegrees(yaw, i),
    pitch: expectedDegrees(pitch, i),
    roll: expectedDegrees(roll, i),
  });
  return squares.map((_, i) => ({ plain: at(i * 2), mirrored: at(i * 2 + 1) }));
}

/** Expectation of the softmax over bins: Σ p·i·3 − 97.5. */
function expectedDegrees(logits: Float32Array, item: number): number {
  const values = logits.subarray(item * BINS, (item + 1) * BINS);
  const highest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let total = 0;
  let sum = 0;
  for (let i = 0; i < BINS; i++) {
    const weight = Math.exp(values[i]! - highest);
    total += weight;
    sum += weight * i;
  }
  return (sum / total) * 3 - 97.5;
}

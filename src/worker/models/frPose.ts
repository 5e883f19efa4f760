/**
 * `fr_pose` (Hopenet kind): head pose as three distributions over 66 bins of 3 degrees. Input [N,3,224,224], RGB
 * 0–1 with ImageNet mean and deviation, the tight square of the face without any margin (a margin of 25 % turns the
 * signs). Outputs `output` yaw, `617` pitch, `618` roll, each [N,66] before softmax; degrees = Σ p·i·3 − 97.5.
 */
import type { View } from './detector.ts';
import { mirrorPlanes, normalisedPlanes } from './planes.ts';
import { resamplePlanes } from './resample.ts';
import { inRuns, type NetworkSession, outputOf } from './session.ts';

const SIDE = 224;
const BINS = 66;
const PLANES = normalisedPlanes({
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
  channelOrder: 'RGB',
});
/** Pictures a run: more are no faster, and one is 0.6 MB of input and far more inside the network. */
const CPU_BATCH = 1;

/** Angles as the network gives them, in degrees. */
export interface RawPose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** The tight square of a face, shown as it is or mirrored left to right. */
export interface PoseView extends View {
  readonly mirrored: boolean;
}

export interface PoseNetwork {
  /** What the network says about each view, in order; of a mirrored one about the mirror image. */
  measure(views: readonly PoseView[]): Promise<RawPose[]>;
  close(): Promise<void>;
}

export function frPoseNetwork(session: NetworkSession): PoseNetwork {
  return {
    measure: (views) => inRuns(session, CPU_BATCH, views, (batch) => measureBatch(session, batch)),
    close: () => session.close(),
  };
}

async function measureBatch(session: NetworkSession, views: readonly PoseView[]): Promise<RawPose[]> {
  const itemSize = 3 * SIDE * SIDE;
  const input = session.inputOf(views.length * itemSize);
  views.forEach(({ picture, region, mirrored }, i) => {
    resamplePlanes(picture, region, [SIDE, SIDE], PLANES, input, i * itemSize);
    if (mirrored) mirrorPlanes(input.subarray(i * itemSize, (i + 1) * itemSize), SIDE);
  });
  const outputs = await session.run(input, [views.length, 3, SIDE, SIDE]);
  const yaw = outputOf(session, outputs, 'output', [BINS]);
  const pitch = outputOf(session, outputs, '617', [BINS]);
  const roll = outputOf(session, outputs, '618', [BINS]);
  return views.map((_, i) => ({
    yaw: expectedDegrees(yaw, i),
    pitch: expectedDegrees(pitch, i),
    roll: expectedDegrees(roll, i),
  }));
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

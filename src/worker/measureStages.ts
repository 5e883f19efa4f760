/** How fast each stage of the face pipeline is alone: one thread, ready inputs, nothing else running. */
import { POSTURE_DIM } from '../shared/face.ts';
import { drawLandmarkImage } from '../shared/landmarkImage.ts';
import { createReleasers } from '../shared/releasers.ts';
import { openCombiner } from './models/combiner.ts';
import {
  openDetector,
  openLandmarks,
  openPose,
  openPostureEncoder,
  openRecognizer,
  type PipelineModel,
} from './models/openModels.ts';
import type { SessionOptions } from './models/session.ts';
import { alignFace } from './stages/align.ts';
import { decodeImage } from './stages/decode.ts';
import { detectFaces } from './stages/detect.ts';
import { embedCrops } from './stages/embed.ts';
import { locateLandmarks } from './stages/landmarks.ts';
import { measurePoses } from './stages/pose.ts';

export interface StageRate {
  readonly stage: string;
  /** Photographs, faces or variants a second on one thread. */
  readonly perSecond: number;
  readonly unit: 'faces' | 'variants';
}

export interface MeasureOptions {
  readonly models: Readonly<Record<'detector' | 'landmarks' | 'pose' | 'recognizer', PipelineModel>>;
  /** Absent: no posture codes, no variants. */
  readonly fra?: { readonly encoderPath: string; readonly combinerPath: string };
  readonly session: SessionOptions;
  /** Photographs that hold a face; all of them are one batch. */
  readonly photographs: readonly Uint8Array[];
  /** Each stage is repeated for this long. */
  readonly secondsPerStage: number;
}

/** Rows of the combiner's batch. */
const COMBINE_ROWS = 128;

/** The stages in the order of the pipeline. Photographs in which nothing is found only count for decode and detect. */
export async function measureStages(options: MeasureOptions): Promise<StageRate[]> {
  const { models, fra, session, photographs, secondsPerStage } = options;
  const releasers = createReleasers();
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const opened = await opening;
    releasers.push('network', () => opened.close());
    return opened;
  };
  const rates: StageRate[] = [];
  async function measure<T>(
    stage: string,
    items: number,
    unit: StageRate['unit'],
    work: () => Promise<T>,
  ): Promise<T> {
    // The first pass warms caches up and is not counted.
    const result = await work();
    const start = performance.now();
    let passes = 0;
    do {
      await work();
      passes++;
    } while (performance.now() - start < secondsPerStage * 1000);
    rates.push({ stage, unit, perSecond: (passes * items * 1000) / (performance.now() - start) });
    return result;
  }
  try {
    const detector = await keep(openDetector(models.detector, session));
    const landmarkNetwork = await keep(openLandmarks(models.landmarks, session));
    const poseNetwork = await keep(openPose(models.pose, session));
    const recognizer = await keep(openRecognizer(models.recognizer, session));

    const decoded = await measure('decode', photographs.length, 'faces', async () => {
      // One after the other: decoding runs on libuv's threads, and one core's cost is asked for.
      const pictures = [];
      for (const bytes of photographs) pictures.push(await decodeImage(bytes));
      return pictures;
    });
    const pictures = decoded.filter(isUsable);
    const found = await measure('detect', pictures.length, 'faces', () => detectFaces(detector, pictures));
    const chosen = found.filter(isUsable);
    const located = await measure('landmarks', chosen.length, 'faces', () =>
      locateLandmarks(landmarkNetwork, chosen),
    );
    await measure('pose', located.length, 'faces', () => measurePoses(poseNetwork, located));
    const aligned = await measure('align', located.length, 'faces', async () => located.map(alignFace));
    const faces = aligned.filter(isUsable);
    const crops = faces.map(({ crop }) => crop);
    await measure('embed', crops.length, 'faces', () => embedCrops(recognizer, crops));
    if (fra === undefined) return rates;

    const encoder = await keep(openPostureEncoder(fra.encoderPath, session));
    const combiner = await keep(openCombiner(fra.combinerPath, session));
    await measure('posture', faces.length, 'faces', () =>
      encoder.encode(faces.map(({ landmarks }) => drawLandmarkImage(landmarks))),
    );
    const identities = new Float32Array(COMBINE_ROWS * recognizer.embedDim).fill(recognizer.embedDim ** -0.5);
    const postures = new Float32Array(COMBINE_ROWS * POSTURE_DIM).fill(0.1);
    await measure('combine', COMBINE_ROWS, 'variants', () => combiner.combine(identities, postures));
    return rates;
  } finally {
    await releasers.release();
  }
}

function isUsable<T extends object>(value: T): value is Exclude<T, { readonly code: string }> {
  return !('code' in value);
}

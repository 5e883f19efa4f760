/**
 * The face pipeline: bytes of a photograph → crop, landmarks, pose, embedding and posture code, or the reason why
 * not. It computes in the calling thread (networks block it), so it lives in worker threads.
 *
 * Stages run one after another over small sub-batches; a face that a stage rejects leaves the sub-batch with its
 * outcome and the others go on.
 */
import type { FaceInput, FaceOutcome, ProcessedFace, Rejection } from '../shared/face.ts';
import { drawLandmarkImage } from '../shared/landmarkImage.ts';
import { createReleasers, type Releasers } from '../shared/releasers.ts';
import type { Detector } from './models/detector.ts';
import type { LandmarkNetwork } from './models/frLandmark.ts';
import type { PoseNetwork } from './models/frPose.ts';
import {
  openDetector,
  openLandmarks,
  openPose,
  openPostureEncoder,
  openRecognizer,
  type PipelineModel,
} from './models/openModels.ts';
import type { PostureEncoder } from './models/postureEncoder.ts';
import type { Raster } from './models/raster.ts';
import type { Recognizer } from './models/recognizer.ts';
import type { SessionOptions } from './models/session.ts';
import { alignFace, cropOf } from './stages/align.ts';
import { decodeImage } from './stages/decode.ts';
import { type ChosenFace, detectFaces } from './stages/detect.ts';
import { faceOfCrop } from './stages/detectCrop.ts';
import { embedCrops } from './stages/embed.ts';
import { type LocatedFace, locateLandmarks, refuseInvented } from './stages/landmarks.ts';
import { measurePoses } from './stages/pose.ts';
import { openStopwatch, type Stopwatch } from './stopwatch.ts';

export interface FacePipelineOptions extends Omit<SessionOptions, 'gpuBatch'> {
  readonly models: {
    readonly detector: PipelineModel;
    /**
     * Tried where the detector finds no face, or points of its own that the landmarks deny (MTCNN misses profiles).
     * Meant for the default detector beside one with points; without it such faces are aligned by their landmarks.
     */
    readonly fallbackDetector?: PipelineModel;
    readonly landmarks: PipelineModel;
    readonly pose: PipelineModel;
    readonly recognizer: PipelineModel;
  };
  /** True: pictures are aligned crops already; nothing is detected and the crop is the picture. */
  readonly aligned: boolean;
  /** ONNX file of the FRA encoder; without it no posture codes are made. */
  readonly encoderPath?: string;
  /** Faces in memory at once; default 8. */
  readonly facesAtOnce?: number;
}

export interface FacePipeline {
  /**
   * The outcome of every input, in the order of the inputs. Never throws on account of an image.
   *
   * @param stopwatch gets the time of each stage.
   * @throws IntegrityError when a network is not what its registry entry says.
   */
  process(batch: readonly FaceInput[], stopwatch?: Stopwatch): Promise<FaceOutcome[]>;
  close(): Promise<void>;
}

/** Faces in memory at once: a decoded photograph is at most 12 MB. Larger batches are no faster on a CPU. */
const SUB_BATCH = 8;

/**
 * Opens every network. `encoder`: one that is open already, and closed by its owner, in place of `encoderPath`.
 *
 * @throws ConfigError when the device is not there or a model cannot serve in its place.
 * @throws IntegrityError when a file is not a network.
 */
export async function openFacePipeline(
  options: FacePipelineOptions,
  encoder?: PostureEncoder,
): Promise<FacePipeline> {
  const releasers = createReleasers();
  try {
    const opened = await openNetworks(options, releasers);
    const networks = encoder === undefined ? opened : { ...opened, encoder };
    const atOnce = options.facesAtOnce ?? SUB_BATCH;
    return {
      async process(batch, stopwatch = openStopwatch()) {
        const outcomes: FaceOutcome[] = [];
        for (let start = 0; start < batch.length; start += atOnce) {
          const inputs = batch.slice(start, start + atOnce);
          outcomes.push(...(await processSubBatch(networks, inputs, stopwatch)));
        }
        return outcomes;
      },
      close: () => releasers.release(),
    };
  } catch (thrown) {
    await releasers.release();
    throw thrown;
  }
}

/** Everything a face passes through. No detector: pictures are aligned crops. */
interface Networks {
  readonly detector: Detector | undefined;
  readonly fallback: Detector | undefined;
  readonly landmarks: LandmarkNetwork;
  readonly pose: PoseNetwork;
  readonly recognizer: Recognizer;
  readonly encoder: PostureEncoder | undefined;
}

async function openNetworks(options: FacePipelineOptions, releasers: Releasers): Promise<Networks> {
  const { models, aligned, encoderPath } = options;
  const { device, intraOpThreads, deviceClient } = options;
  const session = { device, intraOpThreads, deviceClient };
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const network = await opening;
    releasers.push('network', () => network.close());
    return network;
  };
  return {
    detector: aligned ? undefined : await keep(openDetector(models.detector, session)),
    fallback:
      aligned || models.fallbackDetector === undefined
        ? undefined
        : await keep(openDetector(models.fallbackDetector, session)),
    landmarks: await keep(openLandmarks(models.landmarks, session)),
    pose: await keep(openPose(models.pose, session)),
    recognizer: await keep(openRecognizer(models.recognizer, session)),
    encoder: encoderPath === undefined ? undefined : await keep(openPostureEncoder(encoderPath, session)),
  };
}

async function processSubBatch(
  networks: Networks,
  inputs: readonly FaceInput[],
  { time }: Stopwatch,
): Promise<FaceOutcome[]> {
  const { detector, pose, recognizer, encoder } = networks;
  const outcomes: FaceOutcome[] = [];
  const bytes = inputs.map((input, index) => ({ index, value: input.bytes }));

  const decoded = await time('decode', () => Promise.all(values(bytes).map(decodeImage)));
  const pictures = advance(bytes, decoded, outcomes);
  const located = advance(
    pictures,
    networks.detector === undefined
      ? await locateInCrops(networks, values(pictures), time)
      : await locateFaces(networks, networks.detector, values(pictures), time),
    outcomes,
  );
  if (located.length === 0) return outcomes;
  const poses = await time('pose', () => measurePoses(pose, values(located)));
  const crops = await time('align', async () =>
    values(located).map((face, i) => {
      const crop = detector === undefined ? cropOf(face) : alignFace(face);
      return 'code' in crop ? crop : { ...face, ...crop, pose: poses[i]! };
    }),
  );
  const aligned = advance(located, crops, outcomes);
  if (aligned.length === 0) return outcomes;
  const embeddings = await time('embed', () =>
    embedCrops(
      recognizer,
      values(aligned).map(({ crop }) => crop),
    ),
  );
  const codes =
    encoder &&
    (await time('posture', () =>
      encoder.encode(values(aligned).map((face) => drawLandmarkImage(face.landmarks))),
    ));
  const processed = values(aligned).map((face, i): ProcessedFace | Rejection => {
    const embedding = embeddings[i]!;
    if (isRejection(embedding)) return embedding;
    const postureCode = codes?.[i];
    return {
      facesFound: face.facesFound,
      detectionScore: face.score,
      pose: face.pose,
      crop: face.crop,
      landmarks: face.landmarks,
      embedding,
      ...(postureCode && { postureCode }),
    };
  });
  for (const { index, value } of advance(aligned, processed, outcomes)) {
    outcomes[index] = { status: 'ok', face: value };
  }
  return outcomes;
}

/** The landmarks of aligned crops. Not judged: the alignment is given and does not depend on them. */
async function locateInCrops(
  { landmarks }: Networks,
  pictures: readonly Raster[],
  time: Stopwatch['time'],
): Promise<(LocatedFace | Rejection)[]> {
  return time('landmarks', () => locateChosen(landmarks, pictures.map(faceOfCrop)));
}

/** Finds the face of each picture and its landmarks; faces that cannot be aligned are rejected. */
async function locateFaces(
  { landmarks, fallback }: Networks,
  detector: Detector,
  pictures: readonly Raster[],
  time: Stopwatch['time'],
): Promise<(LocatedFace | Rejection)[]> {
  const locate = async (by: Detector, shown: readonly Raster[]) => {
    const chosen = await time('detect', () => detectFaces(by, shown));
    return time('landmarks', () => locateChosen(landmarks, chosen));
  };
  const located = await locate(detector, pictures);
  if (fallback !== undefined) {
    const again = located.flatMap((face, i) => (isRejection(face) || !face.confirmed ? [i] : []));
    const second = await locate(
      fallback,
      again.map((i) => pictures[i]!),
    );
    again.forEach((i, n) => {
      located[i] = second[n]!;
    });
  }
  return located.map((face) => (isRejection(face) ? face : (refuseInvented(face) ?? face)));
}

async function locateChosen(
  landmarks: LandmarkNetwork,
  chosen: readonly (ChosenFace | Rejection)[],
): Promise<(LocatedFace | Rejection)[]> {
  const faces = chosen.filter((face): face is ChosenFace => !isRejection(face));
  const located = (await locateLandmarks(landmarks, faces)).values();
  return chosen.map((face) => (isRejection(face) ? face : located.next().value!));
}

/** Something on its way, with its position in the sub-batch. */
interface Entry<T> {
  readonly index: number;
  readonly value: T;
}

const values = <T>(entries: readonly Entry<T>[]): T[] => entries.map(({ value }) => value);

const isRejection = (value: object): value is Rejection => 'code' in value && 'stage' in value;

/** What a stage answered for each entry: rejections become outcomes, the rest goes on. */
function advance<T extends object>(
  entries: readonly Entry<unknown>[],
  results: readonly (T | Rejection)[],
  outcomes: FaceOutcome[],
): Entry<T>[] {
  return entries.flatMap(({ index }, i) => {
    const result = results[i]!;
    if (!isRejection(result)) return [{ index, value: result }];
    outcomes[index] = { status: 'rejected', rejection: result };
    return [];
  });
}

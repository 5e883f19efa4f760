/**
 * The face pipeline: bytes of a photograph → crop and embedding and, as far as their networks are given, landmarks,
 * pose and posture code; or the reason why not. It computes in the calling thread (networks block it), so it lives in
 * worker threads.
 *
 * Stages run one after another over small sub-batches; a face that a stage rejects leaves the sub-batch with its
 * outcome and the others go on.
 */

import { createReleasers, type Releasers } from '../shared/async/releasers.ts';
import {
  type CroppedFace,
  type FaceInput,
  type FaceOutcome,
  isRejection,
  type Pose,
  type ProcessedFace,
  type Rejection,
} from '../shared/face.ts';
import { drawLandmarkImage } from '../shared/landmarkImage.ts';
import type { Detector } from './models/detector.ts';
import type { LandmarkNetwork } from './models/frLandmark.ts';
import type { PoseNetwork } from './models/frPose.ts';
import {
  type AllModels,
  type ModelSet,
  openDetector,
  openLandmarks,
  openPose,
  openPostureEncoder,
  openRecognizer,
} from './models/openModels.ts';
import { openPictureMemory, type PictureMemory } from './models/pictureMemory.ts';
import type { PostureEncoder } from './models/postureEncoder.ts';
import type { Raster } from './models/raster.ts';
import type { Recognizer } from './models/recognizer.ts';
import type { SessionOptions } from './models/session.ts';
import { pictureTurns, TURN_BYTES } from './pictureTurns.ts';
import { alignFace, cropOf } from './stages/align.ts';
import { decodeImage } from './stages/decode.ts';
import { type ChosenFace, detectFaces } from './stages/detect.ts';
import { faceOfCrop } from './stages/detectCrop.ts';
import { embedCrops } from './stages/embed.ts';
import { type LocatedFace, locateLandmarks, refuseInvented } from './stages/landmarks.ts';
import { measurePoses } from './stages/pose.ts';
import { openStopwatch, type Stopwatch } from './stopwatch.ts';

export interface FacePipelineOptions<Models extends ModelSet = AllModels>
  extends Omit<SessionOptions, 'gpuBatch'> {
  readonly models: Models;
  /** True: pictures are aligned crops already; nothing is detected and the crop is the picture. */
  readonly aligned: boolean;
  /** ONNX file of the FRA encoder; without it no posture codes are made. */
  readonly encoderPath?: string;
  /** Faces in memory at once, whatever their size; default: what a CPU likes (`pictureTurns.ts`). */
  readonly facesAtOnce?: number;
}

export interface FacePipeline<Face extends CroppedFace = ProcessedFace> {
  /**
   * The outcome of every input, in the order of the inputs. Never throws on account of an image.
   *
   * @param stopwatch gets the time of each stage.
   * @throws IntegrityError when a network is not what its registry entry says.
   */
  process(batch: readonly FaceInput[], stopwatch?: Stopwatch): Promise<FaceOutcome<Face>[]>;
  close(): Promise<void>;
}

/**
 * Opens every network. `encoder`: one that is open already, and closed by its owner, in place of `encoderPath`.
 *
 * @throws ConfigError when the device is not there or a model cannot serve in its place.
 * @throws IntegrityError when a file is not a network.
 */
export function openFacePipeline(
  options: FacePipelineOptions,
  encoder?: PostureEncoder,
): Promise<FacePipeline>;
export function openFacePipeline(
  options: FacePipelineOptions<ModelSet>,
  encoder?: PostureEncoder,
): Promise<FacePipeline<CroppedFace>>;
export async function openFacePipeline(
  options: FacePipelineOptions<ModelSet>,
  encoder?: PostureEncoder,
): Promise<FacePipeline<CroppedFace>> {
  const releasers = createReleasers();
  try {
    const opened = await openNetworks(options, releasers);
    const networks = encoder === undefined ? opened : { ...opened, encoder };
    requireLandmarks(networks);
    const { facesAtOnce } = options;
    const limits = facesAtOnce === undefined ? {} : { faces: facesAtOnce, bytes: Number.POSITIVE_INFINITY };
    // One for every call that is under way: as a rule there is one.
    const memories: PictureMemory[] = [];
    return {
      async process(batch, stopwatch = openStopwatch()) {
        const memory = memories.pop() ?? openPictureMemory(TURN_BYTES);
        const outcomes: FaceOutcome<CroppedFace>[] = [];
        for (const inputs of pictureTurns(batch, limits)) {
          outcomes.push(...(await processSubBatch(networks, inputs, memory, stopwatch)));
          memory.clear();
        }
        memories.push(memory);
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
  readonly landmarks: LandmarkNetwork | undefined;
  readonly pose: PoseNetwork | undefined;
  readonly recognizer: Recognizer;
  readonly encoder: PostureEncoder | undefined;
}

function requireLandmarks({ landmarks, detector, pose, encoder }: Networks): void {
  if (landmarks === undefined && (detector ?? pose ?? encoder) !== undefined) {
    throw new Error('alignment, poses and posture codes need the landmark network');
  }
}

async function openNetworks(options: FacePipelineOptions<ModelSet>, releasers: Releasers): Promise<Networks> {
  const { models, aligned, encoderPath } = options;
  const { device, intraOpThreads, deviceClient } = options;
  const session = { device, intraOpThreads, deviceClient };
  return {
    detector: aligned ? undefined : await releasers.keep('network', openDetector(models.detector, session)),
    fallback:
      aligned || models.fallbackDetector === undefined
        ? undefined
        : await releasers.keep('network', openDetector(models.fallbackDetector, session)),
    landmarks:
      models.landmarks && (await releasers.keep('network', openLandmarks(models.landmarks, session))),
    pose: models.pose && (await releasers.keep('network', openPose(models.pose, session))),
    recognizer: await releasers.keep('network', openRecognizer(models.recognizer, session)),
    encoder:
      encoderPath === undefined
        ? undefined
        : await releasers.keep('network', openPostureEncoder(encoderPath, session)),
  };
}

async function processSubBatch(
  networks: Networks,
  inputs: readonly FaceInput[],
  memory: PictureMemory,
  { time }: Stopwatch,
): Promise<FaceOutcome<CroppedFace>[]> {
  const { recognizer, encoder } = networks;
  const outcomes: FaceOutcome<CroppedFace>[] = [];
  const bytes = inputs.map((input, index) => ({ index, value: input.bytes }));

  const decoded = await time('decode', () =>
    Promise.all(values(bytes).map((file) => decodeImage(file, memory))),
  );
  const pictures = advance(bytes, decoded, outcomes);
  const cropped = advance(pictures, await cropFaces(networks, values(pictures), time), outcomes);
  if (cropped.length === 0) return outcomes;
  const embeddings = await time('embed', () =>
    embedCrops(
      recognizer,
      values(cropped).map(({ crop }) => crop),
    ),
  );
  const codes =
    encoder &&
    (await time('posture', () =>
      // There are landmarks: see requireLandmarks.
      encoder.encode(values(cropped).map(({ landmarks }) => drawLandmarkImage(landmarks!))),
    ));
  const processed = values(cropped).map((face, i): CroppedFace | Rejection => {
    const embedding = embeddings[i]!;
    if (isRejection(embedding)) return embedding;
    const { facesFound, score, pose, crop, landmarks } = face;
    const postureCode = codes?.[i];
    return {
      facesFound,
      detectionScore: score,
      ...(pose && { pose }),
      crop,
      ...(landmarks && { landmarks }),
      embedding,
      ...(postureCode && { postureCode }),
    };
  });
  for (const { index, value } of advance(cropped, processed, outcomes)) {
    outcomes[index] = { status: 'ok', face: value };
  }
  return outcomes;
}

/** A face on its way to the recogniser. */
interface FaceToEmbed extends ChosenFace, Pick<CroppedFace, 'crop' | 'landmarks' | 'pose'> {}

/** Pictures → crops, with the landmarks and poses that are asked for. */
async function cropFaces(
  networks: Networks,
  pictures: readonly Raster[],
  time: Stopwatch['time'],
): Promise<(FaceToEmbed | Rejection)[]> {
  const { detector, landmarks, pose } = networks;
  if (landmarks === undefined) {
    return pictures
      .map(faceOfCrop)
      .map((face) => (isRejection(face) ? face : { ...face, crop: face.picture.data }));
  }
  const located =
    detector === undefined
      ? // Not judged: the alignment is given and does not depend on them.
        await time('landmarks', () => locateChosen(landmarks, pictures.map(faceOfCrop)))
      : await locateFaces(landmarks, detector, networks.fallback, pictures, time);
  const faces = pose === undefined ? located : await time('pose', () => addPoses(pose, located));
  return time('align', async () =>
    faces.map((face) => {
      if (isRejection(face)) return face;
      const crop = detector === undefined ? cropOf(face) : alignFace(face);
      return isRejection(crop) ? crop : { ...face, ...crop };
    }),
  );
}

async function addPoses(
  network: PoseNetwork,
  faces: readonly (LocatedFace | Rejection)[],
): Promise<((LocatedFace & { readonly pose: Pose }) | Rejection)[]> {
  const poses = (await measurePoses(network, faces.filter(isFace))).values();
  return faces.map((face) => (isRejection(face) ? face : { ...face, pose: poses.next().value! }));
}

/** Finds the face of each picture and its landmarks; faces that cannot be aligned are rejected. */
async function locateFaces(
  landmarks: LandmarkNetwork,
  detector: Detector,
  fallback: Detector | undefined,
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
  const located = (await locateLandmarks(landmarks, chosen.filter(isFace))).values();
  return chosen.map((face) => (isRejection(face) ? face : located.next().value!));
}

/** Something on its way, with its position in the sub-batch. */
interface Entry<T> {
  readonly index: number;
  readonly value: T;
}

const values = <T>(entries: readonly Entry<T>[]): T[] => entries.map(({ value }) => value);

const isFace = <Face extends ChosenFace>(value: Face | Rejection): value is Face => !isRejection(value);

/** What a stage answered for each entry: rejections become outcomes, the rest goes on. */
function advance<T extends object>(
  entries: readonly Entry<unknown>[],
  results: readonly (T | Rejection)[],
  outcomes: FaceOutcome<CroppedFace>[],
): Entry<T>[] {
  return entries.flatMap(({ index }, i) => {
    const result = results[i]!;
    if (!isRejection(result)) return [{ index, value: result }];
    outcomes[index] = { status: 'rejected', rejection: result };
    return [];
  });
}

/**
 * Photographs → training samples: every photograph and its renders at POSE_GRID go through the same face pipeline
 * that a worker uses, so that landmarks, poses and embeddings are what a worker will meet.
 */
import type { FaceInput, FaceOutcome, FaceRecord, Pose } from '../shared/face.ts';
import { randomNormal, seededRandom } from '../shared/random.ts';
import { createReleasers } from '../shared/releasers.ts';
import { readImage } from '../worker/corpusReader.ts';
import { type FacePipeline, type FacePipelineOptions, openFacePipeline } from '../worker/facePipeline.ts';
import type { Detector } from '../worker/models/detector.ts';
import type { LandmarkNetwork } from '../worker/models/frLandmark.ts';
import { openDetector, openLandmarks } from '../worker/models/openModels.ts';
import { decodeImage } from '../worker/stages/decode.ts';
import { detectFaces } from '../worker/stages/detect.ts';
import { locateLandmarks } from '../worker/stages/landmarks.ts';
import { openPoseRenderer, type PoseRenderer, type RenderPose, toPpm } from './renderPose.ts';
import type { TrainingSample } from './samples.ts';

/** Target poses of renders, degrees; the same for everybody, so that people can be compared at one pose. */
export const POSE_GRID: readonly RenderPose[] = [
  ...[-60, -45, -30, -15, 0, 15, 30, 45, 60].map((yaw) => ({ yaw, pitch: 0 })),
  ...[-40, -20, 0, 20, 40].flatMap((yaw) => [
    { yaw, pitch: -20 },
    { yaw, pitch: 20 },
  ]),
];

/** Standard deviation of a render's pose around its grid point, degrees. */
const GRID_JITTER = 3;
/** Photographs turned further than this are samples, but are not turned again. */
const MAX_SOURCE_ANGLE = 18;
/** A render whose measured pose is further from its target was not understood; degrees. */
const MAX_POSE_ERROR = 28;

export interface CollectOptions {
  readonly imageRoot: string;
  readonly faces: readonly FaceRecord[];
  readonly models: FacePipelineOptions['models'];
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Called after every photograph. */
  readonly progress: (counts: CollectCounts) => void;
}

export interface CollectCounts {
  photographs: number;
  renders: number;
  /** Photographs in which no usable face was found. */
  rejectedPhotographs: number;
  /** Renders that the pipeline rejected, or whose pose came out wrong. */
  rejectedRenders: number;
}

/** Reads, renders and measures every photograph. */
export async function collectSamples(
  options: CollectOptions,
): Promise<{ samples: TrainingSample[]; counts: CollectCounts }> {
  const { models } = options;
  const releasers = createReleasers();
  const session = { device: 'cpu', intraOpThreads: 1 } as const;
  const counts = { photographs: 0, renders: 0, rejectedPhotographs: 0, rejectedRenders: 0 };
  const samples: TrainingSample[] = [];
  try {
    const pipeline = await openFacePipeline({ models, aligned: false, ...session });
    releasers.push('pipeline', () => pipeline.close());
    const detector = await openDetector(models.detector, session);
    releasers.push('detector', () => detector.close());
    const landmarks = await openLandmarks(models.landmarks, session);
    releasers.push('landmarks', () => landmarks.close());
    for (const face of options.faces) {
      options.signal.throwIfAborted();
      await collectFace(face, options, { pipeline, detector, landmarks }, counts, samples);
      options.progress(counts);
    }
  } finally {
    await releasers.release();
  }
  return { samples, counts };
}

interface Networks {
  readonly pipeline: FacePipeline;
  readonly detector: Detector;
  readonly landmarks: LandmarkNetwork;
}

async function collectFace(
  { faceId, subjectId, uri }: FaceRecord,
  { imageRoot, seed, signal }: CollectOptions,
  networks: Networks,
  counts: CollectCounts,
  samples: TrainingSample[],
): Promise<void> {
  const read = await readImage(imageRoot, uri, signal);
  const [outcome] =
    read.status === 'ok' ? await networks.pipeline.process([{ faceId, bytes: read.bytes }]) : [];
  if (read.status !== 'ok' || outcome?.status !== 'ok') {
    counts.rejectedPhotographs++;
    return;
  }
  const add = ({ face }: FaceOutcome & { status: 'ok' }, gridIndex: number) => {
    const { pose, landmarks, embedding } = face;
    samples.push({ subjectId, faceId, gridIndex, pose, landmarks, embedding });
  };
  counts.photographs++;
  add(outcome, -1);
  const { yaw, pitch } = outcome.face.pose;
  if (Math.max(Math.abs(yaw), Math.abs(pitch)) > MAX_SOURCE_ANGLE) return;
  const renderer = await openRenderer(read.bytes, networks);
  if (renderer === undefined) return;
  const random = seededRandom(seed, 'render', faceId);
  const targets = POSE_GRID.map((pose) => ({
    yaw: pose.yaw + GRID_JITTER * randomNormal(random),
    pitch: pose.pitch + GRID_JITTER * randomNormal(random),
  }));
  const renders = targets.map((target, i): FaceInput => {
    return { faceId: `${faceId}#${i}`, bytes: toPpm(renderer.render(target)) };
  });
  const outcomes = await networks.pipeline.process(renders);
  outcomes.forEach((rendered, i) => {
    if (rendered.status === 'ok' && poseAgrees(rendered.face.pose, targets[i]!)) {
      counts.renders++;
      add(rendered, i);
    } else counts.rejectedRenders++;
  });
}

/** A renderer of the photograph's face; its landmarks are needed in the photograph's pixels. */
async function openRenderer(
  bytes: Uint8Array,
  { detector, landmarks }: Networks,
): Promise<PoseRenderer | undefined> {
  const picture = await decodeImage(bytes);
  if ('code' in picture) return undefined;
  const [chosen] = await detectFaces(detector, [picture]);
  if (chosen === undefined || 'code' in chosen) return undefined;
  const [located] = await locateLandmarks(landmarks, [chosen]);
  return located && openPoseRenderer(picture, located.points68);
}

function poseAgrees(measured: Pose, target: RenderPose): boolean {
  return (
    Math.abs(measured.yaw - target.yaw) <= MAX_POSE_ERROR &&
    Math.abs(measured.pitch - target.pitch) <= MAX_POSE_ERROR
  );
}

/**
 * Photographs → training samples: every photograph, its renders at POSE_GRID, and renders of people who do not exist
 * go through the same face pipeline that a worker uses, so that landmarks, poses and embeddings are what a worker will
 * meet.
 */
import type { FaceInput, FaceOutcome, FaceRecord, Pose } from '../shared/face.ts';
import { type Random, randomNormal, seededRandom } from '../shared/random.ts';
import { createReleasers } from '../shared/releasers.ts';
import { readImage } from '../worker/corpusReader.ts';
import { type FacePipeline, type FacePipelineOptions, openFacePipeline } from '../worker/facePipeline.ts';
import type { Detector } from '../worker/models/detector.ts';
import type { LandmarkNetwork } from '../worker/models/frLandmark.ts';
import { openDetector, openLandmarks } from '../worker/models/openModels.ts';
import type { Raster } from '../worker/models/raster.ts';
import { decodeImage } from '../worker/stages/decode.ts';
import { detectFaces } from '../worker/stages/detect.ts';
import { locateLandmarks } from '../worker/stages/landmarks.ts';
import { chooseParents, type Frontal, inventHead } from './inventPerson.ts';
import { applyStyle, type PhotographStyle, randomStyle } from './photographStyle.ts';
import {
  openHeadRenderer,
  openPoseRenderer,
  type PoseRenderer,
  type RenderPose,
  toPpm,
} from './renderPose.ts';
import type { TrainingSample } from './samples.ts';

/** Target poses of renders, degrees; the same for everybody, so that people can be compared at one pose. */
export const POSE_GRID: readonly RenderPose[] = [
  ...[-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75].map((yaw) => ({ yaw, pitch: 0 })),
  ...[-40, -20, 0, 20, 40].flatMap((yaw) => [
    { yaw, pitch: -20 },
    { yaw, pitch: 20 },
  ]),
];

/** Standard deviation of a render's pose around its grid point, degrees. */
const GRID_JITTER = 3;
/** Standard deviation of the yaw and pitch of an invented person's photograph: few real ones are quite frontal. */
const PHOTOGRAPH_YAW = 15;
const PHOTOGRAPH_PITCH = 6;
/** Photographs turned further than this are samples, but are not turned again. */
const MAX_SOURCE_ANGLE = 18;
/** A render whose measured pose is further from its target was not understood; degrees. */
const MAX_POSE_ERROR = 28;

export interface CollectOptions {
  readonly imageRoot: string;
  readonly faces: readonly FaceRecord[];
  readonly models: FacePipelineOptions['models'];
  readonly seed: number;
  /** People to invent, and who they may be made of. */
  readonly invented: { readonly count: number; readonly from: ReadonlySet<string> };
  readonly signal: AbortSignal;
  /** Called after every photograph and every invented person. */
  readonly progress: (counts: CollectCounts) => void;
}

export interface CollectCounts {
  photographs: number;
  /** Of photographs and of invented people. */
  renders: number;
  invented: number;
  /** Photographs in which no usable face was found. */
  rejectedPhotographs: number;
  /** Renders that the pipeline rejected, or whose pose came out wrong. */
  rejectedRenders: number;
}

/** Reads, renders and measures every photograph, then invents people. */
export async function collectSamples(
  options: CollectOptions,
): Promise<{ samples: TrainingSample[]; counts: CollectCounts }> {
  const { models, signal, invented } = options;
  const releasers = createReleasers();
  const session = { device: 'cpu', intraOpThreads: 1 } as const;
  const counts = { photographs: 0, renders: 0, invented: 0, rejectedPhotographs: 0, rejectedRenders: 0 };
  const samples: TrainingSample[] = [];
  try {
    const pipeline = await openFacePipeline({ models, aligned: false, ...session });
    releasers.push('pipeline', () => pipeline.close());
    const detector = await openDetector(models.detector, session);
    releasers.push('detector', () => detector.close());
    const landmarks = await openLandmarks(models.landmarks, session);
    releasers.push('landmarks', () => landmarks.close());
    const collector = { ...options, networks: { pipeline, detector, landmarks }, counts, samples };
    const frontals: FrontalRecord[] = [];
    for (const face of options.faces) {
      signal.throwIfAborted();
      const frontal = await collectFace(face, collector);
      if (frontal !== undefined && invented.from.has(face.subjectId)) frontals.push(frontal);
      options.progress(counts);
    }
    // Nobody can be made of one person.
    const possible = new Set(frontals.map(({ subjectId }) => subjectId)).size > 1;
    for (let n = 0; possible && n < invented.count; n++) {
      signal.throwIfAborted();
      await collectInvented(n, frontals, collector);
      options.progress(counts);
    }
  } finally {
    await releasers.release();
  }
  return { samples, counts };
}

interface Collector extends CollectOptions {
  readonly networks: Networks;
  readonly counts: CollectCounts;
  readonly samples: TrainingSample[];
}

interface Networks {
  readonly pipeline: FacePipeline;
  readonly detector: Detector;
  readonly landmarks: LandmarkNetwork;
}

/** A near-frontal photograph, to be read again when somebody is made of it. */
interface FrontalRecord extends Omit<Frontal, 'picture'> {
  readonly uri: string;
}

/** Samples of a photograph and its renders; answers with the photograph when it can be turned. */
async function collectFace(
  { faceId, subjectId, uri }: FaceRecord,
  collector: Collector,
): Promise<FrontalRecord | undefined> {
  const { networks, counts, samples, imageRoot, signal, seed } = collector;
  const read = await readImage(imageRoot, uri, signal);
  const [outcome] =
    read.status === 'ok' ? await networks.pipeline.process([{ faceId, bytes: read.bytes }]) : [];
  if (read.status !== 'ok' || outcome?.status !== 'ok') {
    counts.rejectedPhotographs++;
    return undefined;
  }
  counts.photographs++;
  samples.push(sampleOf(outcome, { subjectId, faceId, gridIndex: -1, origin: [] }));
  const { yaw, pitch } = outcome.face.pose;
  if (Math.max(Math.abs(yaw), Math.abs(pitch)) > MAX_SOURCE_ANGLE) return undefined;
  const located = await locateInPicture(read.bytes, networks);
  if (located === undefined) return undefined;
  const { picture, landmarks } = located;
  await collectRenders(
    openPoseRenderer(picture, landmarks),
    gridPoses(seededRandom(seed, 'render', faceId)),
    {
      collector,
      person: { subjectId, faceId, origin: [] },
      first: 0,
    },
  );
  return { subjectId, uri, landmarks };
}

/** Samples of somebody who does not exist: a photograph and renders in one style. */
async function collectInvented(
  n: number,
  frontals: readonly FrontalRecord[],
  collector: Collector,
): Promise<void> {
  const random = seededRandom(collector.seed, 'invented', String(n));
  const parents: Frontal[] = [];
  for (const { subjectId, uri, landmarks } of chooseParents(frontals, random)) {
    const read = await readImage(collector.imageRoot, uri, collector.signal);
    const picture = read.status === 'ok' ? await decodeImage(read.bytes) : undefined;
    if (picture === undefined || 'code' in picture) return;
    parents.push({ subjectId, landmarks, picture });
  }
  const subjectId = `invented-${n}`;
  const photograph = {
    yaw: PHOTOGRAPH_YAW * randomNormal(random),
    pitch: PHOTOGRAPH_PITCH * randomNormal(random),
  };
  await collectRenders(openHeadRenderer(inventHead(parents, random)), [photograph, ...gridPoses(random)], {
    collector,
    person: { subjectId, faceId: subjectId, origin: parents.map((parent) => parent.subjectId) },
    first: -1,
    style: randomStyle(random),
  });
  collector.counts.invented++;
}

function gridPoses(random: Random): RenderPose[] {
  return POSE_GRID.map((pose) => ({
    yaw: pose.yaw + GRID_JITTER * randomNormal(random),
    pitch: pose.pitch + GRID_JITTER * randomNormal(random),
  }));
}

interface RenderedPerson {
  readonly collector: Collector;
  readonly person: Pick<TrainingSample, 'subjectId' | 'faceId' | 'origin'>;
  /** Grid index of the first pose; the others follow. */
  readonly first: number;
  readonly style?: PhotographStyle;
}

async function collectRenders(
  renderer: PoseRenderer,
  targets: readonly RenderPose[],
  { collector: { networks, counts, samples }, person, first, style }: RenderedPerson,
): Promise<void> {
  const inputs = targets.map((target, i): FaceInput => {
    const render = renderer.render(target);
    const picture = style === undefined ? render : applyStyle(render, style);
    return { faceId: `${person.faceId}#${first + i}`, bytes: toPpm(picture) };
  });
  const outcomes = await networks.pipeline.process(inputs);
  outcomes.forEach((rendered, i) => {
    if (rendered.status === 'ok' && poseAgrees(rendered.face.pose, targets[i]!)) {
      counts.renders++;
      samples.push(sampleOf(rendered, { ...person, gridIndex: first + i }));
    } else counts.rejectedRenders++;
  });
}

function sampleOf(
  { face }: FaceOutcome & { status: 'ok' },
  person: Pick<TrainingSample, 'subjectId' | 'faceId' | 'gridIndex' | 'origin'>,
): TrainingSample {
  const { pose, landmarks, embedding } = face;
  return { ...person, pose, landmarks, embedding };
}

/** The picture and the landmarks of its face in the picture's pixels. */
async function locateInPicture(
  bytes: Uint8Array,
  { detector, landmarks }: Networks,
): Promise<{ picture: Raster; landmarks: Float32Array } | undefined> {
  const picture = await decodeImage(bytes);
  if ('code' in picture) return undefined;
  const [chosen] = await detectFaces(detector, [picture]);
  if (chosen === undefined || 'code' in chosen) return undefined;
  const [located] = await locateLandmarks(landmarks, [chosen]);
  return located && { picture, landmarks: located.points68 };
}

function poseAgrees(measured: Pose, target: RenderPose): boolean {
  return (
    Math.abs(measured.yaw - target.yaw) <= MAX_POSE_ERROR &&
    Math.abs(measured.pitch - target.pitch) <= MAX_POSE_ERROR
  );
}

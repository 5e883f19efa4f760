/**
 * Photographs → training samples: every photograph, its renders at POSE_GRID, and renders of people who do not exist
 * (syntheticPoses.ts) go through the same face pipeline that a worker uses, so that landmarks, poses and embeddings are
 * what a worker will meet.
 */

import { mapInOrder } from '../shared/async/mapInOrder.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import type { ReadOutcome } from '../shared/corpus/corpusSource.ts';
import { type Photographs, READ_AHEAD } from '../shared/corpus/photographs.ts';
import { type FaceOutcome, type FaceRecord, isRejection, type Rejection } from '../shared/face.ts';
import { seededRandom } from '../shared/random.ts';
import { type FacePipeline, type FacePipelineOptions, openFacePipeline } from '../worker/facePipeline.ts';
import type { Detector } from '../worker/models/detector.ts';
import type { LandmarkNetwork } from '../worker/models/frLandmark.ts';
import { openDetector, openLandmarks } from '../worker/models/openModels.ts';
import type { Raster } from '../worker/models/raster.ts';
import { decodeImage } from '../worker/stages/decode.ts';
import { detectFaces } from '../worker/stages/detect.ts';
import { locateLandmarks } from '../worker/stages/landmarks.ts';
import { inventedNames } from './inventedNames.ts';
import { chooseParents, type Frontal } from './inventPerson.ts';
import { toPpm } from './renderPose.ts';
import type { TrainingSample } from './samples.ts';
import {
  canBeTurned,
  poseAgrees,
  type SyntheticPose,
  turnInvented,
  turnPhotograph,
} from './syntheticPoses.ts';

export interface CollectOptions {
  readonly photographs: Photographs;
  readonly faces: readonly FaceRecord[];
  readonly models: FacePipelineOptions['models'];
  readonly seed: number;
  /** False: photographs alone, and nobody is invented. */
  readonly renders: boolean;
  /** People to invent, and who they may be made of. */
  readonly invented: { readonly count: number; readonly from: ReadonlySet<string> };
  readonly signal: AbortSignal;
  /** Called after every photograph and every invented person. */
  readonly progress: (counts: CollectCounts) => void;
  /** Told of every photograph in which no usable face was found. */
  readonly rejected: (face: FaceRecord, rejection: Rejection) => void;
  /** Shown every photograph that was turned and every invented person. */
  readonly turned: (person: TurnedPerson) => Promise<void>;
}

/** Somebody at other poses, and which renders became samples. */
export interface TurnedPerson {
  readonly subjectId: string;
  readonly faceId: string;
  /** Undefined for somebody who does not exist: what stands for it is the first of the poses. */
  readonly photograph: Raster | undefined;
  readonly poses: readonly (SyntheticPose & { readonly usable: boolean })[];
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
    const readings = mapInOrder(options.faces, READ_AHEAD, async (face) => {
      return { face, read: await options.photographs.read(face) };
    });
    for await (const { face, read } of readings) {
      signal.throwIfAborted();
      const frontal = await collectFace(face, read, collector);
      if (frontal !== undefined && invented.from.has(face.subjectId)) frontals.push(frontal);
      options.progress(counts);
    }
    // Nobody can be made of one person.
    const possible = new Set(frontals.map(({ subjectId }) => subjectId)).size > 1;
    const names = inventedNames(options.faces, possible ? invented.count : 0);
    for (const [n, name] of names.entries()) {
      signal.throwIfAborted();
      await collectInvented(n, name, frontals, collector);
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
  readonly face: FaceRecord;
}

/** Samples of a photograph and its renders; answers with the photograph when it can be turned. */
async function collectFace(
  face: FaceRecord,
  read: ReadOutcome,
  collector: Collector,
): Promise<FrontalRecord | undefined> {
  const { networks, counts, samples, seed } = collector;
  const { faceId, subjectId } = face;
  const reject = (rejection: Rejection): undefined => {
    counts.rejectedPhotographs++;
    collector.rejected(face, rejection);
  };
  if (read.status !== 'ok') return reject(read.rejection);
  const outcome = (await networks.pipeline.process([{ faceId, bytes: read.bytes }]))[0]!;
  if (outcome.status !== 'ok') return reject(outcome.rejection);
  counts.photographs++;
  samples.push(sampleOf(outcome, { subjectId, faceId, gridIndex: -1, origin: [] }));
  if (!collector.renders || !canBeTurned(outcome.face.pose)) return undefined;
  const located = await locateInPicture(read.bytes, networks);
  if (located === undefined) return undefined;
  const poses = turnPhotograph(located, seededRandom(seed, 'render', faceId));
  await collectPoses(poses, { subjectId, faceId, origin: [] }, located.picture, collector);
  return { subjectId, face, landmarks: located.landmarks };
}

/** Samples of somebody who does not exist: a photograph and renders in one style. */
async function collectInvented(
  n: number,
  subjectId: string,
  frontals: readonly FrontalRecord[],
  collector: Collector,
): Promise<void> {
  const random = seededRandom(collector.seed, 'invented', String(n));
  const parents: Frontal[] = [];
  for (const { subjectId, face, landmarks } of chooseParents(frontals, random)) {
    const read = await collector.photographs.read(face);
    const picture = read.status === 'ok' ? await decodeImage(read.bytes) : undefined;
    if (picture === undefined || isRejection(picture)) return;
    parents.push({ subjectId, landmarks, picture });
  }
  const origin = parents.map((parent) => parent.subjectId);
  const poses = turnInvented(parents, random);
  await collectPoses(poses, { subjectId, faceId: subjectId, origin }, undefined, collector);
  collector.counts.invented++;
}

/** Renders through the face pipeline; those it understands become samples. */
async function collectPoses(
  poses: readonly SyntheticPose[],
  person: Pick<TrainingSample, 'subjectId' | 'faceId' | 'origin'>,
  photograph: Raster | undefined,
  { networks, counts, samples, turned }: Collector,
): Promise<void> {
  const { subjectId, faceId } = person;
  const outcomes = await networks.pipeline.process(
    poses.map(({ gridIndex, picture }) => ({ faceId: `${faceId}#${gridIndex}`, bytes: toPpm(picture) })),
  );
  const shown = poses.map((pose, i) => {
    const outcome = outcomes[i]!;
    const usable = outcome.status === 'ok' && poseAgrees(outcome.face.pose, pose.target);
    if (usable) {
      counts.renders++;
      samples.push(sampleOf(outcome, { ...person, gridIndex: pose.gridIndex }));
    } else counts.rejectedRenders++;
    return { ...pose, usable };
  });
  await turned({ subjectId, faceId, photograph, poses: shown });
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
  if (isRejection(picture)) return undefined;
  const [chosen] = await detectFaces(detector, [picture]);
  if (chosen === undefined || isRejection(chosen)) return undefined;
  const [located] = await locateLandmarks(landmarks, [chosen]);
  return located && { picture, landmarks: located.points68 };
}

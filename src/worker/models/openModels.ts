/** Resolved models → the networks of the face pipeline: which family is which file of this folder. */
import { ConfigError } from '../../shared/errors.ts';
import type { Detector } from './detector.ts';
import { openFrDetector } from './frDetect.ts';
import { frLandmarkNetwork, type LandmarkNetwork } from './frLandmark.ts';
import { frPoseNetwork, type PoseNetwork } from './frPose.ts';
import { mtcnnDetector } from './mtcnn.ts';
import type { Normalisation } from './planes.ts';
import { onnxPostureEncoder, type PostureEncoder } from './postureEncoder.ts';
import { onnxRecognizer, type Recognizer } from './recognizer.ts';
import { type NetworkSession, openSession, type SessionOptions } from './session.ts';
import { yunetDetector } from './yunet.ts';

/** A model whose files are on this machine. */
export interface PipelineModel {
  readonly name: string;
  readonly family: string;
  /** Absolute paths of ONNX files by role. */
  readonly files: Readonly<Record<string, string>>;
  readonly embedDim?: number;
  readonly preprocess?: Normalisation;
}

/** The networks of a pipeline. */
export interface ModelSet {
  readonly detector: PipelineModel;
  /**
   * Tried where the detector finds no face, or points of its own that the landmarks deny (MTCNN misses profiles).
   * Meant for the default detector beside one with points; without it such faces are aligned by their landmarks.
   */
  readonly fallbackDetector?: PipelineModel;
  /** Absent: no landmarks. Photographs are aligned by them, poses and posture codes read off them. */
  readonly landmarks?: PipelineModel;
  /** Absent: poses are not measured. */
  readonly pose?: PipelineModel;
  readonly recognizer: PipelineModel;
}

/** The networks of a pipeline that finds out everything. */
export type AllModels = ModelSet & Required<Pick<ModelSet, 'landmarks' | 'pose'>>;

export async function openDetector(model: PipelineModel, options: SessionOptions): Promise<Detector> {
  switch (model.family) {
    case 'fr-detect':
      return openFrDetector(onlyFile(model), options);
    case 'yunet':
      return yunetDetector(await openOnly(model, options));
    case 'mtcnn': {
      // Every picture has sizes of its own, and to a GPU every size is a new network.
      const onCpu = { device: 'cpu', intraOpThreads: options.intraOpThreads } as const;
      return mtcnnDetector({
        pnet: await openRole(model, 'pnet', onCpu),
        rnet: await openRole(model, 'rnet', options),
        onet: await openRole(model, 'onet', options),
      });
    }
    default:
      throw wrongFamily(model, 'detector', 'fr-detect, mtcnn or yunet');
  }
}

export async function openLandmarks(model: PipelineModel, options: SessionOptions): Promise<LandmarkNetwork> {
  if (model.family !== 'fr-landmark') throw wrongFamily(model, 'landmark network', 'fr-landmark');
  return frLandmarkNetwork(await openOnly(model, options));
}

export async function openPose(model: PipelineModel, options: SessionOptions): Promise<PoseNetwork> {
  if (model.family !== 'fr-pose') throw wrongFamily(model, 'pose network', 'fr-pose');
  return frPoseNetwork(await openOnly(model, options));
}

/** Any family: a recogniser is whatever has a width and a pre-processing. */
export async function openRecognizer(model: PipelineModel, options: SessionOptions): Promise<Recognizer> {
  const { embedDim, preprocess } = model;
  if (embedDim === undefined || preprocess === undefined) {
    throw wrongFamily(model, 'recogniser', 'an entry with embedDim and preprocess');
  }
  return onnxRecognizer(await openOnly(model, options), embedDim, preprocess);
}

export async function openPostureEncoder(path: string, options: SessionOptions): Promise<PostureEncoder> {
  return onnxPostureEncoder(await openSession(path, options));
}

function wrongFamily(model: PipelineModel, use: string, expected: string): ConfigError {
  return new ConfigError('wrong-model', `${model.name} cannot be used as ${use}: expected ${expected}`, {
    family: model.family,
  });
}

async function openOnly(model: PipelineModel, options: SessionOptions): Promise<NetworkSession> {
  return openSession(onlyFile(model), options);
}

function onlyFile(model: PipelineModel): string {
  const [role, ...others] = Object.keys(model.files);
  if (role === undefined || others.length > 0) {
    throw new ConfigError('wrong-model', `${model.name} must have exactly one file`, {
      files: Object.keys(model.files).join(' '),
    });
  }
  return fileOf(model, role);
}

async function openRole(
  model: PipelineModel,
  role: string,
  options: SessionOptions,
): Promise<NetworkSession> {
  return openSession(fileOf(model, role), options);
}

function fileOf(model: PipelineModel, role: string): string {
  const path = model.files[role];
  if (path === undefined) {
    throw new ConfigError('wrong-model', `${model.name} has no file for ${role}`, {
      files: Object.keys(model.files).join(' '),
    });
  }
  return path;
}

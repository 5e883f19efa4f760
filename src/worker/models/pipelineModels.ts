/** The models of a face pipeline by their registry names: fetched when missing, and translated for the pipeline. */
import type { ResolvedModel } from '../../models/cache.ts';
import { ensureModels } from '../../models/pull.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FacePipelineOptions } from '../facePipeline.ts';
import type { PipelineModel } from './openModels.ts';

/** The detector whose boxes landmarks and pose were made for; it stands in where another one fails. */
const DEFAULT_DETECTOR = 'fr-detect';

export interface PipelineModels {
  readonly models: FacePipelineOptions['models'];
  readonly recognizer: ResolvedModel;
  /** Everything that computes, for the record of a run. */
  readonly resolved: readonly ResolvedModel[];
}

/**
 * @throws ConfigError for an unknown model, one of another kind, or one that cannot be fetched.
 */
export async function resolvePipelineModels(
  names: { readonly detector: string; readonly recognizer: string },
  note?: (line: string) => void,
): Promise<PipelineModels> {
  const wanted = [names.detector, 'fr-landmark', 'fr-pose', names.recognizer, DEFAULT_DETECTOR];
  const [detector, landmarks, pose, recognizer, fallback] = (await ensureModels(wanted, note)) as [
    ResolvedModel,
    ResolvedModel,
    ResolvedModel,
    ResolvedModel,
    ResolvedModel,
  ];
  const second = detector.name === fallback.name ? undefined : fallback;
  return {
    models: {
      detector: pipelineModel(detector),
      ...(second && { fallbackDetector: pipelineModel(second) }),
      landmarks: pipelineModel(landmarks),
      pose: pipelineModel(pose),
      recognizer: pipelineModel(recognizer),
    },
    recognizer,
    resolved: [detector, landmarks, pose, recognizer, ...(second ? [second] : [])],
  };
}

/** What the face pipeline has to know of a model of the cache. */
export function pipelineModel({ name, family, files, entry }: ResolvedModel): PipelineModel {
  const { embedDim, preprocess } = entry;
  if (embedDim === undefined) return { name, family, files };
  const { colour, mean, std } = preprocess;
  if (colour === 'grey') {
    throw new ConfigError('bad-registry', 'recogniser must take three colour channels', {
      model: name,
      colour,
    });
  }
  return {
    name,
    family,
    files,
    embedDim,
    preprocess: {
      mean: threeOf(mean),
      std: threeOf(std),
      channelOrder: colour === 'rgb' ? 'RGB' : 'BGR',
    },
  };
}

/** One number stands for all three channels. */
function threeOf(values: readonly number[]): [number, number, number] {
  const [first = 0, second = first, third = first] = values;
  return [first, second, third];
}

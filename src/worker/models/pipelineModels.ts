/** The models of a face pipeline by their registry names: fetched when missing, and translated for the pipeline. */
import type { ResolvedModel } from '../../models/cache.ts';
import { pullModels } from '../../models/pull.ts';
import { findModel, loadRegistry } from '../../models/registry.ts';
import type { ModelKind } from '../../models/registryEntry.ts';
import { DEFAULT_DETECTOR } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { AllModels, ModelSet, PipelineModel } from './openModels.ts';

const LANDMARKS = 'fr-landmark';
const POSE = 'fr-pose';

export interface PipelineModels<Models extends ModelSet = AllModels> {
  readonly models: Models;
  readonly recognizer: ResolvedModel;
  /** Everything that computes, for the record of a run. */
  readonly resolved: readonly ResolvedModel[];
}

/** The networks that a pipeline may do without. */
export interface LeftOut {
  readonly landmarks: boolean;
  readonly pose: boolean;
}

/**
 * @param leftOut networks that are neither fetched nor used.
 * @throws ConfigError for an unknown model, one of another kind, or one that cannot be fetched.
 */
export function resolvePipelineModels(
  names: { readonly detector: string; readonly recognizer: string },
  note?: (line: string) => void,
): Promise<PipelineModels>;
export function resolvePipelineModels(
  names: { readonly detector: string; readonly recognizer: string },
  note: ((line: string) => void) | undefined,
  leftOut: LeftOut,
): Promise<PipelineModels<ModelSet>>;
export async function resolvePipelineModels(
  names: { readonly detector: string; readonly recognizer: string },
  note?: (line: string) => void,
  leftOut: LeftOut = { landmarks: false, pose: false },
): Promise<PipelineModels<ModelSet>> {
  const { detector, recognizer } = names;
  const registry = await loadRegistry();
  const entry = (name: string, kind: ModelKind) => findModel(registry, name, kind);
  const resolved = await pullModels(
    [
      entry(detector, 'detector'),
      ...(leftOut.landmarks ? [] : [entry(LANDMARKS, 'landmarks')]),
      ...(leftOut.pose ? [] : [entry(POSE, 'pose')]),
      entry(recognizer, 'recognizer'),
      // Landmarks and pose were made for its boxes: it stands in where another one fails.
      ...(detector === DEFAULT_DETECTOR ? [] : [entry(DEFAULT_DETECTOR, 'detector')]),
    ],
    note && { onProgress: note },
  );
  const byName = new Map(resolved.map((model) => [model.name, model]));
  const model = (name: string): PipelineModel => pipelineModel(byName.get(name)!);
  return {
    models: {
      detector: model(detector),
      ...(detector !== DEFAULT_DETECTOR && { fallbackDetector: model(DEFAULT_DETECTOR) }),
      ...(!leftOut.landmarks && { landmarks: model(LANDMARKS) }),
      ...(!leftOut.pose && { pose: model(POSE) }),
      recognizer: model(recognizer),
    },
    recognizer: byName.get(recognizer)!,
    resolved,
  };
}

/** What the face pipeline has to know of a model of the cache. */
function pipelineModel({ name, family, files, entry }: ResolvedModel): PipelineModel {
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

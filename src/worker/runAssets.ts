/** The weights a run needs: found, fetched when missing, and checked to belong together. */
import { type FraModel, locateFraModel, openFraModel } from '../fra/fraModel.ts';
import { fraDigest } from '../fra/modelCard.ts';
import type { ResolvedModel } from '../models/cache.ts';
import { ensureModels } from '../models/pull.ts';
import type { ModelEntry } from '../models/registry.ts';
import type { RunConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { FacePipelineOptions } from './facePipeline.ts';
import type { PipelineModel } from './models/openModels.ts';
import type { Normalisation } from './models/raster.ts';

/** What run.json says about the models. */
export type RunModels = Pick<RunFile, 'models' | 'recognizer' | 'embeddingDim' | 'fra'>;

export interface RunAssets {
  readonly models: FacePipelineOptions['models'];
  /** Absent when the run needs neither variants nor posture codes. */
  readonly fra?: FraModel;
  readonly identity: RunModels;
}

/**
 * @throws ConfigError for an unknown model, one that cannot be fetched, or a FRA model of another recogniser.
 */
export async function openRunAssets(
  config: Pick<RunConfig, 'detector' | 'recognizer' | 'fra' | 'variants' | 'withPostureCode'>,
  note: (line: string) => void,
): Promise<RunAssets> {
  const names = [config.detector, 'fr-landmark', 'fr-pose', config.recognizer];
  const [detector, landmarks, pose, recognizer] = (await ensureModels(names, note)) as [
    ResolvedModel,
    ResolvedModel,
    ResolvedModel,
    ResolvedModel,
  ];
  const embeddingDim = recognizer.entry.embedDim;
  if (embeddingDim === undefined) {
    throw new ConfigError(
      'not-a-recognizer',
      `--recognizer: expected a recogniser, found a ${recognizer.kind}`,
      {
        name: recognizer.name,
      },
    );
  }
  const fra =
    config.variants > 0 || config.withPostureCode ? await openFittingFra(config.fra, recognizer) : undefined;
  const all = [detector, landmarks, pose, recognizer];
  return {
    models: {
      detector: pipelineModel(detector),
      landmarks: pipelineModel(landmarks),
      pose: pipelineModel(pose),
      recognizer: pipelineModel(recognizer),
    },
    ...(fra && { fra }),
    identity: {
      models: Object.fromEntries(all.map(({ name, sha256 }) => [name, sha256])),
      recognizer: { name: recognizer.name, digest: recognizer.sha256 },
      embeddingDim,
      fra: fra === undefined ? null : { name: config.fra, digest: fraDigest(fra.card) },
    },
  };
}

/** A FRA model speaks the language of one recogniser's embeddings only. */
async function openFittingFra(name: string, recognizer: ResolvedModel): Promise<FraModel> {
  const fra = await openFraModel(locateFraModel(name));
  const expected = fra.card.recognizer;
  if (expected.name === recognizer.name && expected.sha256 === recognizer.sha256) return fra;
  throw new ConfigError('other-recognizer', `--fra: expected a model trained for ${recognizer.name}`, {
    fra: name,
    trainedFor: expected.name,
    expectedDigest: recognizer.sha256,
    foundDigest: expected.sha256,
  });
}

/** What the face pipeline has to know of a registry model. */
function pipelineModel({ name, family, files, entry }: ResolvedModel): PipelineModel {
  if (entry.embedDim === undefined) return { name, family, files };
  return { name, family, files, embedDim: entry.embedDim, preprocess: normalisation(entry) };
}

function normalisation({ name, preprocess }: ModelEntry): Normalisation {
  const { colour, mean, std } = preprocess;
  if (colour === 'grey' || mean.length !== 3 || std.length !== 3) {
    throw new ConfigError('bad-registry', 'recogniser must take three colour channels', {
      model: name,
      colour,
    });
  }
  return {
    mean: mean as [number, number, number],
    std: std as [number, number, number],
    channelOrder: colour === 'rgb' ? 'RGB' : 'BGR',
  };
}

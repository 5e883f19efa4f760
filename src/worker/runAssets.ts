/** The weights a run needs: found, fetched when missing, and checked to belong together. */
import { type FraModel, isShippedFraModel, openAskedFraModel } from '../fra/fraModel.ts';
import { fraDigest } from '../fra/modelCard.ts';
import type { ResolvedModel } from '../models/cache.ts';
import type { RunConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import type { RunModels } from '../shared/run/runFile.ts';
import type { ModelSet } from './models/openModels.ts';
import { resolvePipelineModels } from './models/pipelineModels.ts';

export interface RunAssets {
  readonly models: ModelSet;
  /** Absent when the run needs neither variants nor posture codes. */
  readonly fra?: FraModel;
  readonly runModels: RunModels;
}

/**
 * @throws ConfigError for an unknown model, one of another kind, one that cannot be fetched, a FRA model of another
 * recogniser, or one without posture codes where the table is to hold those of variants.
 */
export async function openRunAssets(
  config: Pick<
    RunConfig,
    | 'aligned'
    | 'detector'
    | 'recognizer'
    | 'fra'
    | 'variants'
    | 'minSimilarity'
    | 'withLandmarks'
    | 'withPostureCode'
    | 'withoutPose'
  >,
  note: (line: string) => void,
): Promise<RunAssets> {
  const { aligned, withLandmarks, withPostureCode, withoutPose } = config;
  // Photographs are aligned by their landmarks; crops are there, so that they are for the table and for poses alone.
  const needsLandmarks = !aligned || !withoutPose || withLandmarks || withPostureCode;
  const leftOut = { landmarks: !needsLandmarks, pose: withoutPose };
  const { models, recognizer, resolved } = await resolvePipelineModels(config, note, leftOut);
  const without = withPostureCode ? '' : ', or --variants 0';
  const fra =
    config.variants > 0 || withPostureCode
      ? await openFittingFra(config.fra, recognizer, without)
      : undefined;
  if (fra !== undefined && config.variants > 0) {
    if (withPostureCode) refuseOtherPostures(fra, config.fra);
    const postures = fra.bank.ids.length;
    if (config.variants > postures) {
      const again = 'beyond that a photograph gives the same embedding again';
      note(`--variants ${config.variants}: the FRA model has ${postures} postures; ${again}`);
    }
  }
  return {
    models,
    ...(fra && { fra }),
    runModels: {
      models: Object.fromEntries(resolved.map(({ name, digest }) => [name, digest])),
      recognizer: { name: recognizer.name, digest: recognizer.digest },
      embeddingDim: recognizer.entry.embedDim!,
      fra: fra === undefined ? null : { name: config.fra, digest: fraDigest(fra.card) },
      // The digest is one of the networks: a card's gate may change without them.
      ...(fra && config.variants > 0 && { minSimilarity: config.minSimilarity ?? fra.card.minSimilarity }),
    },
  };
}

/**
 * What a generator is told of a posture may be no code: variants and photographs would have different things in one
 * column.
 */
function refuseOtherPostures({ card }: FraModel, name: string): void {
  const { posture } = card.architecture;
  if (posture === 'code') return;
  throw new ConfigError(
    'no-posture-codes',
    `--with-posture-code: expected a FRA model whose postures are codes, found ${posture}`,
    {
      fra: name,
    },
  );
}

/**
 * A FRA model speaks the language of one recogniser's embeddings only.
 *
 * @param name as `recordedFraModel` gives it, or the recogniser's where none is asked for.
 * @param without how to do without a model, for the message.
 * @throws ConfigError for a model of another recogniser, and where none is there.
 */
export async function openFittingFra(
  name: string,
  recognizer: ResolvedModel,
  without = '',
): Promise<FraModel> {
  if (name === recognizer.name && !isShippedFraModel(name)) {
    throw new ConfigError(
      'no-fra-model',
      `${name} has no FRA model of its own: --fra FOLDER (posecast train --recognizer ${name})${without}`,
    );
  }
  const fra = await openAskedFraModel(name);
  const expected = fra.card.recognizer;
  if (expected.name === recognizer.name && expected.sha256 === recognizer.sourceDigest) return fra;
  throw new ConfigError('other-recognizer', `--fra: expected a model trained for ${recognizer.name}`, {
    fra: name,
    trainedFor: expected.name,
    expectedDigest: recognizer.sourceDigest,
    foundDigest: expected.sha256,
  });
}

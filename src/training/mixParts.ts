/** Mixtures: the parts are read from their model folders, their shares chosen on validation people. */
import { readFile } from 'node:fs/promises';
import { type FraModel, openFraModel } from '../fra/fraModel.ts';
import { readGeneratorWeights } from '../fra/generators/exportGenerator.ts';
import type { GeneratorConfig, PlainGeneratorConfig } from '../fra/generators/generatorConfig.ts';
import { openGenerator } from '../fra/generators/generators.ts';
import { mixtureWeights } from '../fra/generators/mixture.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../fra/networks/weights.ts';
import type { PostureForm } from '../fra/postureForm.ts';
import { unitAnswers } from '../fra/training/answers.ts';
import { judgeRetrieval, type RetrievalTask, retrievalQuestions } from '../fra/training/retrieval.ts';
import { divisionDigest, peopleDigest } from '../fra/training/reuseAutoencoder.ts';
import { ConfigError } from '../shared/errors.ts';
import { normalizeInPlace } from '../shared/l2.ts';

export interface MixRequest {
  readonly folders: readonly string[];
  readonly recognizerSha256: string;
  readonly posture: PostureForm;
  readonly validation: readonly string[];
  /** Digest of the encoder whose codes are in use. */
  readonly encoderSha256: string | null;
  readonly tasks: readonly RetrievalTask[];
  readonly note: (line: string) => void;
}

/** Shares are multiples of 1/STEPS. */
const STEPS = 10;

/** @throws ConfigError when the parts do not belong together. */
export async function mixParts(
  request: MixRequest,
): Promise<{ config: GeneratorConfig; weights: NamedWeights }> {
  const models = await Promise.all(request.folders.map((folder) => openFraModel(folder)));
  for (const model of models) checkPart(model, request);
  const parts = await Promise.all(
    models.map(async ({ card, paths, folder }) => {
      const { combiner } = card.architecture;
      if (combiner.kind === 'mixture') throw refuse('a part may not be a mixture itself', folder);
      const bytes = await readFile(paths.combiner);
      const generator: PlainGeneratorConfig = combiner;
      return { generator, weights: readGeneratorWeights(bytes, openGenerator(generator), paths.combiner) };
    }),
  );
  const questions = retrievalQuestions(request.tasks);
  const answers = parts.map(({ generator, weights }) => {
    const tensors = trainableWeights(weights);
    const own = unitAnswers(openGenerator(generator), tensors, questions);
    disposeWeights(tensors);
    return own;
  });
  const shares = chooseShares(answers, request.tasks, request.note);
  // A part without a share would only cost time.
  const used = parts.map((part, i) => ({ ...part, share: shares[i]! })).filter(({ share }) => share > 0);
  const identityDim = parts[0]!.generator.identityDim;
  return {
    config: {
      kind: 'mixture',
      identityDim,
      parts: used.map(({ share, generator }) => ({ share, generator })),
    },
    weights: mixtureWeights(used.map(({ weights }) => weights)),
  };
}

function checkPart({ card, folder }: FraModel, request: MixRequest): void {
  if (card.recognizer.sha256 !== request.recognizerSha256) {
    const { name, sha256 } = card.recognizer;
    throw refuse(
      `made for ${name} (${sha256}), not for the recogniser of this training (${request.recognizerSha256})`,
      folder,
    );
  }
  if (card.architecture.posture !== request.posture) {
    throw refuse(`reads postures as ${card.architecture.posture}, not ${request.posture}`, folder);
  }
  if (peopleDigest(request.validation) !== divisionDigest(card.training.validationDigests)) {
    throw refuse('other people validated there', folder);
  }
  if (card.files['encoder.onnx'].sha256 !== request.encoderSha256) {
    throw refuse('has another autoencoder: train every part with the same --autoencoder', folder);
  }
}

function refuse(reason: string, folder: string): ConfigError {
  return new ConfigError('bad-part', `--parts: ${reason}`, { folder });
}

/** Shares by steepest steps from the best single part. */
function chooseShares(
  answers: readonly (readonly Float32Array[])[],
  tasks: readonly RetrievalTask[],
  note: (line: string) => void,
): number[] {
  const lossOf = (steps: readonly number[]) => {
    const mixed = answers[0]!.map((first, row) => {
      const sum = new Float32Array(first.length);
      steps.forEach((share, part) => {
        const own = answers[part]![row]!;
        if (share > 0) for (let i = 0; i < sum.length; i++) sum[i]! += (share / STEPS) * own[i]!;
      });
      normalizeInPlace(sum);
      return sum;
    });
    return judgeRetrieval(tasks, mixed).loss;
  };
  const alone = answers.map((_, part) => answers.map((_answers, i): number => (i === part ? STEPS : 0)));
  let best = alone.map((steps) => ({ steps, loss: lossOf(steps) })).reduce(lower);
  note(`alone: ${alone.map((steps) => lossOf(steps).toFixed(4)).join(', ')}`);
  // Moves one step from one part to another as long as that helps; the loss is smooth in the shares.
  for (let improved = true; improved; ) {
    improved = false;
    for (const from of best.steps.keys()) {
      for (const to of best.steps.keys()) {
        if (from === to || best.steps[from] === 0) continue;
        const steps = best.steps.map((value, i) => value + (i === to ? 1 : 0) - (i === from ? 1 : 0));
        const loss = lossOf(steps);
        if (loss < best.loss) [best, improved] = [{ steps, loss }, true];
      }
    }
  }
  const shares = best.steps.map((value) => value / STEPS);
  note(`shares ${shares.join(', ')}: ${best.loss.toFixed(4)}`);
  return shares;
}

function lower<T extends { readonly loss: number }>(a: T, b: T): T {
  return b.loss < a.loss ? b : a;
}

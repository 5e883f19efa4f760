/**
 * Variants a second of one core: each generator's graph for N (identity, posture) pairs, and its two-step form for one
 * person at many postures, against what its own multiply-adds or bytes allow. Weights are random where no model of the
 * form ships: they do not change the time.
 */
import { readFile } from 'node:fs/promises';
import type { Tensor } from 'onnxruntime-node';
import { locateFraModel, openFraModel } from '../../src/fra/fraModel.ts';
import {
  exportCached,
  exportGenerator,
  readGeneratorWeights,
} from '../../src/fra/generators/exportGenerator.ts';
import type { Generator } from '../../src/fra/generators/generator.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { initialWeights, type NamedWeights } from '../../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { absoluteRow, type BenchRow, isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { ratePerSecond } from './shared/measure.ts';
import { gemmPeak, memoryBandwidth, noiseTensor, openPlain } from './shared/plainRuntime.ts';

const SECONDS = isQuick() ? 0.05 : 1;
const ROUNDS = isQuick() ? 1 : 3;
/** Postures of one person at a time, and pairs of the full form. */
const POSTURES = [32, 128, 512, 2_048];
const WANTED_PER_SECOND = 20_000;

interface Form {
  readonly name: string;
  readonly generator: Generator;
  readonly weights: NamedWeights;
}

async function shippedForm(name: string): Promise<Form> {
  const model = await openFraModel(locateFraModel(name));
  const generator = openGenerator(model.card.architecture.combiner);
  const weights = readGeneratorWeights(await readFile(model.paths.combiner), generator, model.paths.combiner);
  return { name: `${model.card.architecture.combiner.kind} (ships for ${name})`, generator, weights };
}

function randomVit(kind: 'vit-published' | 'vit-prefix' | 'vit-late'): Form {
  const generator = openGenerator(defaultVit(kind, 512));
  return { name: kind, generator, weights: initialWeights(generator.specs, 1) };
}

/** Variants a second of the best batch. */
async function fullRate({ generator, weights }: Form): Promise<number> {
  const network = await openPlain(exportGenerator(generator, weights, {}));
  let best = 0;
  for (const rows of POSTURES) {
    const feeds = {
      identity: noiseTensor([rows, generator.identityDim]),
      posture: noiseTensor([rows, POSTURE_DIM]),
    };
    best = Math.max(best, await ratePerSecond(rows, SECONDS, () => network.run(feeds)));
  }
  await network.close();
  return best;
}

/** Variants a second of the best batch, the states of person and postures made before. */
async function cachedRate({ generator, weights }: Form): Promise<number> {
  const cached = generator.cached!;
  const network = await openPlain(exportCached(cached, generator.identityDim, weights, {}).combine);
  let best = 0;
  for (const rows of POSTURES) {
    const feeds: Record<string, Tensor> = {
      identity_state: noiseTensor([1, cached.identitySize]),
      posture_state: noiseTensor([rows, cached.postureSize]),
    };
    best = Math.max(best, await ratePerSecond(rows, SECONDS, () => network.run(feeds)));
  }
  await network.close();
  return best;
}

const forms = [
  await shippedForm('fr-feature'),
  await shippedForm('mobilefacenet-192'),
  randomVit('vit-published'),
  randomVit('vit-prefix'),
  randomVit('vit-late'),
];
const rounds = new Map<string, Round[]>();
const add = (what: string, round: Round) => rounds.set(what, [...(rounds.get(what) ?? []), round]);
const limits = new Map<string, string>();
for (let round = 0; round < ROUNDS; round++) {
  say(`round ${round + 1} of ${ROUNDS}`);
  const peak = await gemmPeak(SECONDS);
  const bandwidth = await memoryBandwidth(SECONDS);
  for (const form of forms) {
    const { name, generator } = form;
    const { identityDim, cached, multiplyAdds } = generator;
    const limitOf = (what: string, products: number, floats: number): number => {
      const [byProducts, byBytes] = [peak / products, bandwidth / (4 * floats)];
      const which =
        byProducts < byBytes ? 'its multiply-adds at the GEMM peak' : 'its bytes at memory bandwidth';
      limits.set(what, which);
      return Math.min(byProducts, byBytes);
    };
    const full = `${name}, any pairs`;
    add(full, {
      value: await fullRate(form),
      limit: limitOf(full, multiplyAdds, 2 * identityDim + POSTURE_DIM),
    });
    if (cached === undefined) continue;
    const shared = `${name}, one person at many postures`;
    add(shared, {
      value: await cachedRate(form),
      limit: limitOf(shared, cached.multiplyAdds, cached.postureSize + identityDim),
    });
  }
}
const rows: BenchRow[] = [...rounds].map(([what, measured]) =>
  ratioRow({ what, unit: 'variants/s', limitOf: limits.get(what)!, target: 0.7, atLeast: true }, measured),
);
const shipped = rounds.get(`${forms[0]!.name}, any pairs`)!;
rows.push(
  absoluteRow(
    { what: 'what ships by default', unit: 'variants/s', atLeast: true, wanted: WANTED_PER_SECOND },
    shipped.map(({ value }) => value),
  ),
);
printReport({ bench: 'variants', rows, skipped: [] });

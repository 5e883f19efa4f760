/**
 * Variants a second of one core against what a form's own multiply-adds or bytes allow: of pairs that share nothing, and
 * as workers make them, where what depends on a photograph or a posture alone is shared. Weights are random where no
 * model of the form ships: they do not change the time.
 */
import { readFile } from 'node:fs/promises';
import { locateFraModel, openFraModel } from '../../src/fra/fraModel.ts';
import { readGeneratorWeights } from '../../src/fra/generators/exportGenerator.ts';
import { totalMultiplyAdds } from '../../src/fra/generators/generator.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { initialWeights } from '../../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { absoluteRow, type BenchRow, isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { gemmPeak, memoryBandwidth } from './shared/plainRuntime.ts';
import { bankRate, type Form, isShared, pairRate, VARIANTS_OF_ONE } from './shared/variantRates.ts';

const SECONDS = isQuick() ? 0.05 : 1;
const ROUNDS = isQuick() ? 1 : 3;
const WANTED_PER_SECOND = 20_000;

interface NamedForm extends Form {
  readonly name: string;
}

async function shippedForm(name: string): Promise<NamedForm> {
  const model = await openFraModel(locateFraModel(name));
  const generator = openGenerator(model.card.architecture.combiner);
  const weights = readGeneratorWeights(await readFile(model.paths.combiner), generator, model.paths.combiner);
  return { name: `${model.card.architecture.combiner.kind} (ships for ${name})`, generator, weights };
}

function randomVit(kind: 'vit-published' | 'vit-prefix' | 'vit-late'): NamedForm {
  const generator = openGenerator(defaultVit(kind, 512));
  return { name: kind, generator, weights: initialWeights(generator.specs, 1) };
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
    const { identityDim, multiplyAdds } = generator;
    const limitOf = (what: string, products: number, floats: number): number => {
      const [byProducts, byBytes] = [peak / products, bandwidth / (4 * floats)];
      const which =
        byProducts < byBytes ? 'its multiply-adds at the GEMM peak' : 'its bytes at memory bandwidth';
      limits.set(what, which);
      return Math.min(byProducts, byBytes);
    };
    const pairs = `${name}, any pairs`;
    add(pairs, {
      value: await pairRate(form, SECONDS),
      limit: limitOf(pairs, totalMultiplyAdds(generator), 2 * identityDim + POSTURE_DIM),
    });
    if (!isShared(form)) continue;
    const shared = `${name}, ${VARIANTS_OF_ONE} a photograph at a bank's postures`;
    add(shared, {
      value: await bankRate(form, SECONDS),
      limit: limitOf(
        shared,
        multiplyAdds.identity / VARIANTS_OF_ONE + multiplyAdds.both,
        identityDim / VARIANTS_OF_ONE + identityDim,
      ),
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

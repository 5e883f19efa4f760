/**
 * Variants per second of every generator on one thread of this machine, of pairs that share nothing and as workers make
 * them, beside its size. Weights are random: they do not change the speed.
 *
 *     node dist/bench/generators.js [D, 512 by default] [FRA model folder …]
 */
import { readFile } from 'node:fs/promises';
import { openFraModel } from '../src/fra/fraModel.ts';
import { readGeneratorWeights } from '../src/fra/generators/exportGenerator.ts';
import { parameterCount, totalMultiplyAdds } from '../src/fra/generators/generator.ts';
import { type GeneratorConfig, VIT_KINDS } from '../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../src/fra/generators/generators.ts';
import { defaultResidualMlp } from '../src/fra/generators/residualMlp.ts';
import { defaultVit } from '../src/fra/generators/vit.ts';
import { initialWeights } from '../src/fra/networks/weights.ts';
import { bankRate, type Form, pairRate, VARIANTS_OF_ONE } from './performance/shared/variantRates.ts';

/** Each measurement is the best of ROUNDS, each of SECONDS a batch size. */
const ROUNDS = 3;
const SECONDS = 1;

const [dim = '512', ...folders] = process.argv.slice(2);
const forms: (Form & { readonly name: string })[] = standard(Number(dim)).map(({ name, config }) => {
  const generator = openGenerator(config);
  return { name, generator, weights: initialWeights(generator.specs, 0) };
});
for (const folder of folders) {
  const { card, paths } = await openFraModel(folder);
  const generator = openGenerator(card.architecture.combiner);
  const weights = readGeneratorWeights(await readFile(paths.combiner), generator, paths.combiner);
  forms.push({ name: `${card.name} (${card.architecture.combiner.kind})`, generator, weights });
}
const head = [
  'generator',
  'parameters',
  'multiply-adds',
  '… of identity and posture together',
  'variants/s of any pairs',
  `… of ${VARIANTS_OF_ONE} a photograph at a bank's postures`,
];
printRow(head);
printRow(head.map((_, i) => (i === 0 ? '---' : '--:')));
for (const { name, ...form } of forms) {
  const { generator } = form;
  const numbers = [
    parameterCount(generator),
    totalMultiplyAdds(generator),
    generator.multiplyAdds.both,
    await best(() => pairRate(form, SECONDS)),
    await best(() => bankRate(form, SECONDS)),
  ];
  printRow([name, ...numbers.map((value) => Math.round(value).toLocaleString('en'))]);
}

/** Every kind in its usual size. */
function standard(identityDim: number): { name: string; config: GeneratorConfig }[] {
  const basis = { knots: [-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75], pitch: true };
  const ridge = { kind: 'ridge', identityDim, basis, lambda: 1, scaling: 1 } as const;
  return [
    { name: 'mean-offset', config: { kind: 'mean-offset', identityDim, basis } },
    { name: 'ridge, rank 32', config: { ...ridge, rank: 32 } },
    { name: 'ridge, full rank', config: { ...ridge, rank: identityDim } },
    { name: 'residual-mlp', config: defaultResidualMlp(identityDim, basis.knots, 'readout') },
    ...VIT_KINDS.map((kind) => ({ name: kind, config: defaultVit(kind, identityDim) })),
  ];
}

async function best(rate: () => Promise<number>): Promise<number> {
  let highest = 0;
  for (let round = 0; round < ROUNDS; round++) highest = Math.max(highest, await rate());
  return highest;
}

function printRow(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

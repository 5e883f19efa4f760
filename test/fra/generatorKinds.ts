/** Every kind of generator, small where size makes no difference, with weights as after training. */
import type { GeneratorConfig, PlainGeneratorConfig } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultResidualMlp } from '../../src/fra/generators/residualMlp.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { initialWeights, type NamedWeights } from '../../src/fra/networks/weights.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

const basis = { knots: [-60, -30, 0, 30, 60], pitch: true };
const ridge: PlainGeneratorConfig = {
  kind: 'ridge',
  identityDim: 512,
  basis,
  rank: 512,
  lambda: 1,
  scaling: 1,
};
export const KINDS: readonly [string, GeneratorConfig][] = [
  ['vit', defaultVit('vit', 512)],
  ['vit of another width', defaultVit('vit', 192)],
  ['vit without a gate', { ...defaultVit('vit', 512), identityGate: false }],
  ['vit-published', defaultVit('vit-published', 512)],
  ['vit-prefix', defaultVit('vit-prefix', 512)],
  ['vit-prefix of another width', defaultVit('vit-prefix', 192)],
  ['vit-late', defaultVit('vit-late', 512)],
  ['vit-late of one layer', { ...defaultVit('vit-late', 192), depth: 1 }],
  ['mean-offset', { kind: 'mean-offset', identityDim: 512, basis }],
  [
    'mean-offset without a pose',
    { kind: 'mean-offset', identityDim: 64, basis: { knots: [0], pitch: false } },
  ],
  ['ridge', ridge],
  ['ridge of low rank', { ...ridge, identityDim: 192, rank: 16 }],
  ['residual-mlp', defaultResidualMlp(512, basis.knots, 'readout')],
  ['residual-mlp that sees the code', defaultResidualMlp(192, basis.knots, 'code')],
  [
    'mixture',
    {
      kind: 'mixture',
      identityDim: 512,
      parts: [
        { share: 0.3, generator: ridge },
        { share: 0.2, generator: { kind: 'mean-offset', identityDim: 512, basis } },
        { share: 0.5, generator: defaultVit('vit', 512) },
      ],
    },
  ],
];

export function normals(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => randomNormal(random));
}

/** Weights as after training: nothing is zero or one by construction, poses read off postures spread over the knots. */
export function trained(config: GeneratorConfig): NamedWeights {
  const random = seededRandom(5);
  return new Map(
    Array.from(initialWeights(openGenerator(config).specs, 3), ([name, { shape, values }]) => {
      const size = /probe\.weight$/.test(name) ? 40 : 0.02;
      return [name, { shape, values: values.map((value) => value + size * randomNormal(random)) }];
    }),
  );
}

/** All families of generators. */
import type { Generator } from './generator.ts';
import type { GeneratorConfig } from './generatorConfig.ts';
import { linearMap } from './linearMap.ts';
import { mixture } from './mixture.ts';
import { residualMlp } from './residualMlp.ts';
import { vit } from './vit.ts';

/** The generator that a configuration describes. */
export function openGenerator(config: GeneratorConfig): Generator {
  switch (config.kind) {
    case 'vit':
    case 'vit-published':
    case 'vit-prefix':
    case 'vit-late':
      return vit(config);
    case 'mean-offset':
    case 'ridge':
      return linearMap(config);
    case 'residual-mlp':
      return residualMlp(config);
    case 'mixture':
      return mixture(
        config.identityDim,
        config.parts.map(({ share, generator }) => ({ share, generator: openGenerator(generator) })),
      );
  }
}

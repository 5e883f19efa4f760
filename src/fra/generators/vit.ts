/** The paper's Vision Transformer and its forms as generators. */
import { emitCombiner } from '../export/exportCombiner.ts';
import { combine, combinerMultiplyAdds, combinerSpecs } from '../networks/combiner.ts';
import type { Generator } from './generator.ts';
import type { VitConfig, VitKind } from './generatorConfig.ts';

/** The paper's sizes. */
export function defaultVit(kind: VitKind, identityDim: number): VitConfig {
  const improved = kind !== 'vit-published';
  return {
    kind,
    identityDim,
    embedDim: 256,
    depth: 4,
    numHeads: 4,
    mlpDim: 256,
    identityResidual: improved,
    normalizeOutput: improved,
  };
}

export function vit(config: VitConfig): Generator {
  return {
    identityDim: config.identityDim,
    specs: combinerSpecs(config),
    multiplyAdds: combinerMultiplyAdds(config),
    forward: (weights, identities, postures, dropout) =>
      combine(weights, config, identities, postures, dropout),
    emit: (graph, weights, inputs) => emitCombiner(graph, weights, config, inputs),
  };
}

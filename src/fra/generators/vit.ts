/** The paper's Vision Transformer and its forms as generators. */
import { emitVit } from '../export/emitVit.ts';
import { vitForward } from '../networks/vit.ts';
import { type VitForm, type VitSizes, vitMultiplyAdds, vitSpecs } from '../networks/vitLayers.ts';
import type { Generator } from './generator.ts';
import type { VitConfig, VitKind } from './generatorConfig.ts';

const FORMS: Readonly<Record<VitKind, VitForm>> = {
  vit: 'full',
  'vit-published': 'full',
  'vit-prefix': 'prefix',
  'vit-late': 'late',
};

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
    identityGate: improved,
    normalizeOutput: improved,
  };
}

export function vit(config: VitConfig): Generator {
  const sizes: VitSizes = { ...config, form: FORMS[config.kind] };
  return {
    identityDim: config.identityDim,
    specs: vitSpecs(sizes),
    multiplyAdds: vitMultiplyAdds(sizes),
    forward: (weights, identities, postures, dropout) =>
      vitForward(weights, sizes, identities, postures, dropout),
    emit: (graph, weights, inputs) => emitVit(graph, weights, sizes, inputs),
  };
}

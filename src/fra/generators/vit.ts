/** The paper's Vision Transformer and its forms as generators. */
import { emitCombineStates, emitIdentityState, emitPostureState, emitVit } from '../export/emitVit.ts';
import {
  combineStates,
  identityState,
  identityStateSize,
  postureState,
  postureStateSize,
  vitForward,
} from '../networks/vit.ts';
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
  const { identityDim } = config;
  const multiplyAdds = vitMultiplyAdds(sizes);
  const shared = { identityDim, specs: vitSpecs(sizes), multiplyAdds: multiplyAdds.all };
  if (sizes.form === 'full') {
    return {
      ...shared,
      forward: (weights, identities, postures, dropout) =>
        vitForward(weights, sizes, identities, postures, dropout),
      emit: (graph, weights, inputs) => emitVit(graph, weights, sizes, inputs),
    };
  }
  return {
    ...shared,
    // What is trained is the cached form, on one identity for every posture.
    forward: (weights, identities, postures, dropout) =>
      combineStates(
        weights,
        sizes,
        identityState(weights, sizes, identities, dropout),
        postureState(weights, sizes, postures, dropout),
        dropout,
      ),
    emit: (graph, weights, { identity, posture }) =>
      emitCombineStates(
        graph,
        weights,
        sizes,
        emitIdentityState(graph, weights, sizes, identity),
        emitPostureState(graph, weights, sizes, posture),
      ),
    cached: {
      identitySize: identityStateSize(sizes),
      postureSize: postureStateSize(sizes),
      multiplyAdds: multiplyAdds.combine,
      identityState: (weights, identities) => identityState(weights, sizes, identities),
      postureState: (weights, postures) => postureState(weights, sizes, postures),
      combine: (weights, identity, posture) => combineStates(weights, sizes, identity, posture),
      emitIdentityState: (graph, weights, identity) => emitIdentityState(graph, weights, sizes, identity),
      emitPostureState: (graph, weights, posture) => emitPostureState(graph, weights, sizes, posture),
      emitCombine: (graph, weights, identity, posture) =>
        emitCombineStates(graph, weights, sizes, identity, posture),
    },
  };
}

/** Mean pose offset: what turning changes on average, added to the source. */
import { type Method, perRequest, sourceOf } from '../method.ts';
import { bandAt, learnBands } from './poseBands.ts';
import { oncePerPairs, type PairSource, type PosePair } from './posePairs.ts';

export function meanOffset(source: PairSource): Method {
  return {
    id: `mean-offset-${source.id}`,
    label: 'mean offset',
    kind: source.id === 'leaked' ? 'control' : 'rival',
    trainedOn: source.label,
    async prepare(trial) {
      const offsets = learn(source.pairs(trial));
      const dim = trial.classes[0]!.enrol[0]!.embedding.length;
      return {
        ...perRequest((request) => {
          const { embedding } = sourceOf(request);
          const offset = bandAt(offsets, request.target.yaw)?.value();
          return offset && embedding.map((value, i) => value + offset[i]!);
        }),
        size: { parameters: offsets.length * dim, multiplyAdds: 0 },
      };
    },
  };
}

const learn = oncePerPairs((pairs) => learnBands(pairs, meanChange));

/** Mean of target − source. */
export function meanChange(pairs: readonly PosePair[]): Float32Array {
  const mean = new Float32Array(pairs[0]?.source.length ?? 0);
  for (const { source, target } of pairs) {
    for (let i = 0; i < mean.length; i++) mean[i]! += (target[i]! - source[i]!) / pairs.length;
  }
  return mean;
}

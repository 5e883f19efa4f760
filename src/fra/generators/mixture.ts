/** The weighted mean of other generators' answers, scaled to unit length; one graph. */
import * as tf from '@tensorflow/tfjs-core';
import { emitUnitRows } from '../export/emitOps.ts';
import { normalizeRows } from '../networks/tensorOps.ts';
import type { NamedWeights, WeightSpecs } from '../networks/weights.ts';
import type { Generator } from './generator.ts';

export interface MixturePart {
  readonly generator: Generator;
  /** Share of the unit-length answer, 0–1; the shares sum to 1. */
  readonly share: number;
}

/** Weights of part i are named `i.` and their own name. */
export function mixture(identityDim: number, parts: readonly MixturePart[]): Generator {
  return {
    identityDim,
    specs: Object.fromEntries(
      parts.flatMap(({ generator }, i) =>
        Object.entries(generator.specs).map(([name, spec]) => [`${i}.${name}`, spec] as const),
      ),
    ) as WeightSpecs,
    multiplyAdds: parts
      .map(({ generator }) => generator.multiplyAdds)
      .reduce((sum, own) => ({
        identity: sum.identity + own.identity,
        posture: sum.posture + own.posture,
        both: sum.both + own.both,
      })),
    forward: (weights, identities, postures, dropout) => {
      const answers = parts.map(({ generator, share }, i) =>
        tf.mul(
          normalizeRows(
            generator.forward(
              Object.fromEntries(Object.entries(weights).flatMap(ofPart(i))),
              identities,
              postures,
              dropout,
            ),
          ),
          share,
        ),
      );
      return normalizeRows(tf.addN(answers) as tf.Tensor2D);
    },
    emit: (graph, weights, inputs) => {
      const answers = parts.map(({ generator, share }, i) => {
        const own = new Map([...weights].flatMap(ofPart(i)));
        const answer = graph.within(`${i}.`, () => generator.emit(graph, own, inputs));
        return graph.node('Mul', [emitUnitRows(graph, answer), graph.scalar(share)]);
      });
      return emitUnitRows(
        graph,
        answers.reduce((sum, answer) => graph.node('Add', [sum, answer])),
      );
    },
  };
}

/** The weights of a mixture from those of its parts, in order. */
export function mixtureWeights(parts: readonly NamedWeights[]): NamedWeights {
  return new Map(
    parts.flatMap((weights, i) => [...weights].map(([name, value]) => [`${i}.${name}`, value] as const)),
  );
}

/** Keeps the entries of part i, under their own names. */
function ofPart(i: number) {
  const prefix = `${i}.`;
  return <T>([name, value]: readonly [string, T]): [string, T][] =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [];
}

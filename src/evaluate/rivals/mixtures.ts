/** Mixtures of two methods: rivals as strong as what they are made of, and often stronger. */
import { normalizeInPlace } from '../../shared/l2.ts';
import type { Method, MethodSize, PreparedMethod } from '../method.ts';

/** The middle between the answers of two methods. */
export function blend(first: Method, second: Method): Method {
  return {
    ...describe('blend', 'middle of', first, second),
    async prepare(trial) {
      const [a, b] = [await first.prepare(trial), await second.prepare(trial)];
      return {
        async generate(requests) {
          const others = await b.generate(requests);
          return (await a.generate(requests)).map((one, i) => middle(one, others[i]));
        },
        ...sizeOf(a, b, 1),
      };
    },
  };
}

/** Every other variant from the second method. */
export function alternate(first: Method, second: Method): Method {
  return {
    ...describe('alternate', 'by turns', first, second),
    async prepare(trial) {
      const [a, b] = [await first.prepare(trial), await second.prepare(trial)];
      return {
        async generate(requests) {
          const even = await a.generate(requests.filter(({ variant }) => variant % 2 === 0));
          const odd = await b.generate(requests.filter(({ variant }) => variant % 2 === 1));
          const [left, right] = [even.values(), odd.values()];
          return requests.map(({ variant }) => (variant % 2 === 0 ? left : right).next().value);
        },
        ...sizeOf(a, b, 0.5),
      };
    },
  };
}

function describe(kind: string, words: string, first: Method, second: Method): Omit<Method, 'prepare'> {
  const sources = [...new Set([first.trainedOn, second.trainedOn])].filter((source) => source !== 'nothing');
  // A part that looks up what took the recogniser to make has the say about speed.
  const slow = [first, second].find(({ perSecond }) => perSecond !== undefined);
  const { space } = [first, second].find((part) => (part.space ?? 'latent') !== 'latent') ?? {};
  return {
    id: `${kind}-${first.id}-${second.id}`,
    label: `${words} ${first.label} and ${second.label}`,
    kind: 'rival',
    ...(space !== undefined && { space }),
    trainedOn: sources.join(' and '),
    ...(slow?.perSecond !== undefined && { perSecond: slow.perSecond && 2 * slow.perSecond }),
  };
}

/** Of two directions; one alone where the other is missing. */
function middle(a: Float32Array | undefined, b: Float32Array | undefined): Float32Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [first, second] = [Float32Array.from(a), Float32Array.from(b)];
  normalizeInPlace(first);
  normalizeInPlace(second);
  return first.map((value, i) => value + second[i]!);
}

/** `share`: of the multiply-adds of each that a variant costs. */
function sizeOf(a: PreparedMethod, b: PreparedMethod, share: number): { readonly size?: MethodSize } {
  if (a.size === undefined || b.size === undefined) return {};
  return {
    size: {
      parameters: a.size.parameters + b.size.parameters,
      multiplyAdds: share * (a.size.multiplyAdds + b.size.multiplyAdds),
    },
  };
}

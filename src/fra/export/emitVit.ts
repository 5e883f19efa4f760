/** The Vision Transformer as nodes of a graph; step for step the forward passes of networks/vit.ts. */
import {
  GRID,
  hasProjection,
  OWN_TOKENS,
  PATCH_SIZE,
  SIDE_TOKENS,
  type VitSizes,
} from '../networks/vitLayers.ts';
import type { NamedWeights } from '../networks/weights.ts';
import { emitGelu, emitLinear, emitNorm, emitUnitRows, emitWeight } from './emitOps.ts';
import type { GraphBuilder, GraphInputs } from './graphBuilder.ts';

/** Tokens of a batch: (N·T,E). */
interface Tokens {
  readonly x: string;
  readonly length: number;
}
/** Queries (N,H,T,e), keys (N,H,e,T) and values (N,H,T,e) of tokens. */
interface Heads {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly length: number;
}

function openLayers(graph: GraphBuilder, weights: NamedWeights, sizes: VitSizes) {
  const { embedDim, numHeads } = sizes;
  const headDim = embedDim / numHeads;
  const apply = (name: string, x: string) => emitLinear(graph, weights, name, x);
  const norm = (name: string, x: string) => emitNorm(graph, weights, name, x);
  const add = (a: string, b: string) => graph.node('Add', [a, b]);
  const positions = (from: number, to: number) =>
    graph.slice(emitWeight(graph, weights, 'position'), 1, from, to);
  const byPicture = ({ x, length }: Tokens) => graph.reshape(x, [-1, length, embedDim]);
  const asRows = (x: string) => graph.reshape(x, [-1, embedDim]);
  return {
    apply,
    norm,
    embed(picture: string, length: number, firstPosition: number): Tokens {
      const grid = graph.transpose(
        graph.reshape(picture, [0, length / GRID, PATCH_SIZE, GRID, PATCH_SIZE]),
        [0, 1, 3, 2, 4],
      );
      const patches = apply('patch', graph.reshape(grid, [-1, PATCH_SIZE ** 2]));
      const placed = add(byPicture({ x: patches, length }), positions(firstPosition, firstPosition + length));
      return { x: asRows(placed), length };
    },
    withCls(tokens: Tokens): Tokens {
      const all = byPicture(tokens);
      const count = graph.node('Gather', [graph.node('Shape', [all]), graph.integers([0])]);
      const shape = graph.concat([count, graph.integers([1, embedDim])], 0);
      const cls = graph.node('Expand', [add(emitWeight(graph, weights, 'cls'), positions(0, 1)), shape]);
      return { x: asRows(graph.concat([cls, all], 1)), length: tokens.length + 1 };
    },
    first: (tokens: Tokens): Tokens => ({ x: asRows(graph.slice(byPicture(tokens), 1, 0, 1)), length: 1 }),
    heads(layer: number, { x, length }: Tokens): Heads {
      const read = norm(`block.${layer}.norm1`, x);
      // Three products, of parts of the weights: their parts of one product would have to be copied.
      const part = (index: number, order: readonly number[]) => {
        const own = (name: string, axis: number) =>
          graph.slice(
            emitWeight(graph, weights, `block.${layer}.qkv.${name}`),
            axis,
            index * embedDim,
            (index + 1) * embedDim,
          );
        const rows = graph.node('Gemm', [read, own('weight', 1), own('bias', 0)]);
        return graph.transpose(graph.reshape(rows, [-1, length, numHeads, headDim]), order);
      };
      return {
        query: part(0, [0, 2, 1, 3]),
        key: part(1, [0, 2, 3, 1]),
        value: part(2, [0, 2, 1, 3]),
        length,
      };
    },
    firstQuery: ({ query }: Heads) => graph.slice(query, 2, 0, 1),
    /** Scores are joined, not keys and values: those of one identity then serve many postures. */
    finish(layer: number, { x, length }: Tokens, query: string, seen: readonly Heads[]): Tokens {
      const scores = seen.map(({ key }) => graph.node('MatMul', [query, key]));
      const joined = scores.length === 1 ? scores[0]! : graph.concat(scores, 3);
      const shares = graph.node('Softmax', [
        graph.node('Mul', [joined, graph.scalar(1 / Math.sqrt(headDim))]),
      ]);
      let from = 0;
      const mixed = seen
        .map(({ value, length: tokens }) => {
          const own = seen.length === 1 ? shares : graph.slice(shares, 3, from, from + tokens);
          from += tokens;
          return graph.node('MatMul', [own, value]);
        })
        .reduce(add); // (N,H,T,e)
      const attended = asRows(graph.transpose(mixed, [0, 2, 1, 3]));
      const after = add(x, apply(`block.${layer}.attention`, attended));
      const hidden = emitGelu(graph, apply(`block.${layer}.mlp1`, norm(`block.${layer}.norm2`, after)));
      return { x: add(after, apply(`block.${layer}.mlp2`, hidden)), length };
    },
    answer({ x }: Tokens, identities: string): string {
      const read = norm('headNorm', x);
      const change = apply('head', read);
      const kept = sizes.identityGate
        ? graph.node('Mul', [identities, add(apply('gate', read), graph.scalar(1))])
        : identities;
      const moved = sizes.identityResidual ? add(kept, change) : change;
      return sizes.normalizeOutput ? emitUnitRows(graph, moved) : moved;
    },
    identitySide: (identities: string) =>
      hasProjection(sizes) ? apply('projection', identities) : identities,
  };
}

/** Answers with the name of the embedding (N,D). */
export function emitVit(
  graph: GraphBuilder,
  weights: NamedWeights,
  sizes: VitSizes,
  inputs: GraphInputs,
): string {
  const layers = openLayers(graph, weights, sizes);
  const cls =
    sizes.form === 'full' ? readTogether(graph, sizes, layers, inputs) : readApart(sizes, layers, inputs);
  return layers.answer(cls, inputs.identity);
}

type Layers = ReturnType<typeof openLayers>;

function readTogether(
  graph: GraphBuilder,
  { depth }: VitSizes,
  layers: Layers,
  { identity, posture }: GraphInputs,
): Tokens {
  const picture = layers.norm('inputNorm', graph.concat([posture, layers.identitySide(identity)], 1));
  let tokens = layers.withCls(layers.embed(picture, 2 * SIDE_TOKENS, 1));
  for (let i = 0; i < depth; i++) {
    const heads = layers.heads(i, tokens);
    tokens = finish(layers, i, i === depth - 1, tokens, heads, [heads]);
  }
  return tokens;
}

function readApart({ depth, form }: VitSizes, layers: Layers, { identity, posture }: GraphInputs): Tokens {
  const normal = layers.norm('inputNorm.identity', layers.identitySide(identity));
  let identityTokens = layers.embed(normal, SIDE_TOKENS, OWN_TOKENS);
  const identityHeads: Heads[] = [];
  for (let i = 0; i < depth; i++) {
    const heads = layers.heads(i, identityTokens);
    identityHeads.push(heads);
    if (i < depth - 1) identityTokens = layers.finish(i, identityTokens, heads.query, [heads]);
  }
  let own = layers.withCls(layers.embed(layers.norm('inputNorm.posture', posture), SIDE_TOKENS, 1));
  for (let i = 0; i < depth; i++) {
    const isLast = i === depth - 1;
    const heads = layers.heads(i, own);
    const seen = form === 'prefix' || isLast ? [identityHeads[i]!, heads] : [heads];
    own = finish(layers, i, isLast, own, heads, seen);
  }
  return own;
}

function finish(
  layers: Layers,
  layer: number,
  isLast: boolean,
  tokens: Tokens,
  heads: Heads,
  seen: readonly Heads[],
): Tokens {
  return isLast
    ? layers.finish(layer, layers.first(tokens), layers.firstQuery(heads), seen)
    : layers.finish(layer, tokens, heads.query, seen);
}

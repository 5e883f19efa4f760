/** The Vision Transformer as nodes of a graph; node for node the forward pass of networks/combiner.ts. */
import type { GraphInputs } from '../generators/generator.ts';
import { type CombinerConfig, hasProjection, PATCHES } from '../networks/combiner.ts';
import type { NamedWeights } from '../networks/weights.ts';
import { emitGelu, emitLinear, emitNorm, emitUnitRows, emitWeight } from './emitOps.ts';
import type { GraphBuilder } from './graphBuilder.ts';

/** Answers with the name of the embedding (N,D). */
export function emitCombiner(
  graph: GraphBuilder,
  weights: NamedWeights,
  config: CombinerConfig,
  inputs: GraphInputs,
): string {
  const { embedDim, numHeads } = config;
  const linear = (name: string, x: string) => emitLinear(graph, weights, name, x);
  const norm = (name: string, x: string) => emitNorm(graph, weights, name, x);
  const identity = hasProjection(config) ? linear('projection', inputs.identity) : inputs.identity;
  const picture = norm('inputNorm', graph.concat([inputs.posture, identity], 1)); // (N,1024)
  const grid = graph.transpose(graph.reshape(picture, [0, 4, 8, 4, 8]), [0, 1, 3, 2, 4]); // (N,4,4,8,8)
  const tokens = linear('patch', graph.reshape(grid, [0, PATCHES, 64])); // (N,16,E)
  const count = graph.node('Gather', [graph.node('Shape', [tokens]), graph.integers([0])]);
  const clsShape = graph.concat([count, graph.integers([1, embedDim])], 0);
  const cls = graph.node('Expand', [emitWeight(graph, weights, 'cls'), clsShape]);
  let x = graph.node('Add', [graph.concat([cls, tokens], 1), emitWeight(graph, weights, 'position')]); // (N,T,E)
  for (let i = 0; i < config.depth; i++) {
    const attended = attend(graph, linear(`block.${i}.qkv`, norm(`block.${i}.norm1`, x)), embedDim, numHeads);
    x = graph.node('Add', [x, linear(`block.${i}.attention`, attended)]);
    const hidden = emitGelu(graph, linear(`block.${i}.mlp1`, norm(`block.${i}.norm2`, x)));
    x = graph.node('Add', [x, linear(`block.${i}.mlp2`, hidden)]);
  }
  const read = graph.reshape(graph.slice(x, 1, 0, 1), [0, embedDim]);
  const change = linear('head', norm('headNorm', read));
  const answer = config.identityResidual ? graph.node('Add', [inputs.identity, change]) : change;
  return config.normalizeOutput ? emitUnitRows(graph, answer) : answer;
}

/** qkv (N,T,3E) → (N,T,E). */
function attend(graph: GraphBuilder, qkv: string, embedDim: number, numHeads: number): string {
  const headDim = embedDim / numHeads;
  const part = (index: number, order: readonly number[]) =>
    graph.transpose(
      graph.reshape(graph.slice(qkv, 2, index * embedDim, (index + 1) * embedDim), [0, 0, numHeads, headDim]),
      order,
    );
  const scores = graph.node('MatMul', [part(0, [0, 2, 1, 3]), part(1, [0, 2, 3, 1])]); // (N,H,T,T)
  const weights = graph.node('Softmax', [graph.node('Mul', [scores, graph.scalar(1 / Math.sqrt(headDim))])]);
  const mixed = graph.node('MatMul', [weights, part(2, [0, 2, 1, 3])]);
  return graph.reshape(graph.transpose(mixed, [0, 2, 1, 3]), [0, 0, embedDim]);
}

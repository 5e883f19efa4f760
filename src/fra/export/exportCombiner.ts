/** The combiner as an ONNX file; node for node the forward pass of networks/combiner.ts. */
import { POSTURE_DIM } from '../../shared/face.ts';
import { type CombinerConfig, hasProjection, PATCHES } from '../networks/combiner.ts';
import { LAYER_NORM_EPSILON, NORMALIZE_EPSILON } from '../networks/tensorOps.ts';
import type { NamedWeights } from '../networks/weights.ts';
import { GraphBuilder } from './graphBuilder.ts';
import { weightValues } from './weightValues.ts';

/** identity (N,D) of unit length, posture (N,512) → embedding (N,D). */
export function exportCombiner(
  weights: NamedWeights,
  config: CombinerConfig,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = new GraphBuilder();
  const { embedDim, numHeads, identityDim } = config;
  const constant = (name: string) => {
    const { shape, values } = weightValues(weights, name);
    return graph.constant(name, shape, values);
  };
  const linear = (name: string, x: string) =>
    graph.node('Add', [graph.node('MatMul', [x, constant(`${name}.weight`)]), constant(`${name}.bias`)]);
  const norm = (name: string, x: string) =>
    graph.layerNorm(x, constant(`${name}.gain`), constant(`${name}.bias`), LAYER_NORM_EPSILON);

  const identity = hasProjection(config) ? linear('projection', 'identity') : 'identity';
  const picture = norm('inputNorm', graph.concat(['posture', identity], 1)); // (N,1024)
  const grid = graph.transpose(graph.reshape(picture, [0, 4, 8, 4, 8]), [0, 1, 3, 2, 4]); // (N,4,4,8,8)
  const tokens = linear('patch', graph.reshape(grid, [0, PATCHES, 64])); // (N,16,E)
  const count = graph.node('Gather', [graph.node('Shape', [tokens]), graph.integers([0])]);
  const clsShape = graph.concat([count, graph.integers([1, embedDim])], 0);
  const cls = graph.node('Expand', [constant('cls'), clsShape]);
  let x = graph.node('Add', [graph.concat([cls, tokens], 1), constant('position')]); // (N,T,E)
  for (let i = 0; i < config.depth; i++) {
    const attended = attend(graph, linear(`block.${i}.qkv`, norm(`block.${i}.norm1`, x)), embedDim, numHeads);
    x = graph.node('Add', [x, linear(`block.${i}.attention`, attended)]);
    const hidden = gelu(graph, linear(`block.${i}.mlp1`, norm(`block.${i}.norm2`, x)));
    x = graph.node('Add', [x, linear(`block.${i}.mlp2`, hidden)]);
  }
  const read = graph.reshape(graph.slice(x, 1, 0, 1), [0, embedDim]);
  const change = linear('head', norm('headNorm', read));
  const answer = config.identityResidual ? graph.node('Add', ['identity', change]) : change;
  return graph.finish(config.normalizeOutput ? unitRows(graph, answer) : answer, {
    name: 'fra_combiner',
    inputs: [
      { name: 'identity', shape: ['N', identityDim] },
      { name: 'posture', shape: ['N', POSTURE_DIM] },
    ],
    output: { name: 'embedding', shape: ['N', identityDim] },
    metadata,
  });
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

function gelu(graph: GraphBuilder, x: string): string {
  const error = graph.node('Erf', [graph.node('Mul', [x, graph.scalar(Math.SQRT1_2)])]);
  return graph.node('Mul', [
    graph.node('Mul', [x, graph.scalar(0.5)]),
    graph.node('Add', [error, graph.scalar(1)]),
  ]);
}

function unitRows(graph: GraphBuilder, x: string): string {
  const squares = graph.node('ReduceSum', [graph.node('Mul', [x, x]), graph.integers([1])]);
  const length = graph.node('Sqrt', [graph.node('Add', [squares, graph.scalar(NORMALIZE_EPSILON)])]);
  return graph.node('Div', [x, length]);
}

/** Operations that several networks share, as nodes of an ONNX graph; they equal those of networks/tensorOps.ts. */
import { LAYER_NORM_EPSILON, NORMALIZE_EPSILON } from '../networks/tensorOps.ts';
import type { NamedWeights } from '../networks/weights.ts';
import type { GraphBuilder } from './graphBuilder.ts';
import { weightValues } from './weightValues.ts';

/** The weights of that name as a constant of the graph. */
export function emitWeight(graph: GraphBuilder, weights: NamedWeights, name: string): string {
  const { shape, values } = weightValues(weights, name);
  return graph.constant(name, shape, values);
}

/** Rows (N,D) · weight + bias. */
export function emitLinear(graph: GraphBuilder, weights: NamedWeights, name: string, x: string): string {
  return graph.node('Gemm', [
    x,
    emitWeight(graph, weights, `${name}.weight`),
    emitWeight(graph, weights, `${name}.bias`),
  ]);
}

export function emitNorm(graph: GraphBuilder, weights: NamedWeights, name: string, x: string): string {
  return graph.layerNorm(
    x,
    emitWeight(graph, weights, `${name}.gain`),
    emitWeight(graph, weights, `${name}.bias`),
    LAYER_NORM_EPSILON,
  );
}

/** The exact form, x·Φ(x), as the nodes that ONNX Runtime makes one of. */
export function emitGelu(graph: GraphBuilder, x: string): string {
  const error = graph.node('Erf', [graph.node('Div', [x, graph.scalar(Math.SQRT2)])]);
  return graph.node('Mul', [
    graph.node('Mul', [x, graph.node('Add', [error, graph.scalar(1)])]),
    graph.scalar(0.5),
  ]);
}

/** Rows (N,D) scaled to unit length. */
export function emitUnitRows(graph: GraphBuilder, x: string): string {
  const squares = graph.node('ReduceSum', [graph.node('Mul', [x, x]), graph.integers([1])]);
  const root = graph.node('Sqrt', [graph.node('Add', [squares, graph.scalar(NORMALIZE_EPSILON)])]);
  // One division a row and a product a value: half the time of a division a value.
  return graph.node('Mul', [x, graph.node('Reciprocal', [root])]);
}

/** A generator as combiner.onnx, and its weights read back from one. */
import { POSTURE_DIM } from '../../shared/face.ts';
import { GraphBuilder, type GraphEnds } from '../export/graphBuilder.ts';
import { readOnnxWeights } from '../export/readOnnxWeights.ts';
import type { NamedWeights } from '../networks/weights.ts';
import type { CachedForward, Generator } from './generator.ts';

/** identity (N,D) of unit length, posture (N,512) → embedding (N,D). */
export function exportGenerator(
  generator: Generator,
  weights: NamedWeights,
  metadata: GraphEnds['metadata'],
): Uint8Array {
  const graph = new GraphBuilder();
  const { identityDim } = generator;
  return graph.finish(generator.emit(graph, weights, { identity: 'identity', posture: 'posture' }), {
    name: 'fra_combiner',
    inputs: [
      { name: 'identity', shape: ['N', identityDim] },
      { name: 'posture', shape: ['N', POSTURE_DIM] },
    ],
    output: { name: 'embedding', shape: ['N', identityDim] },
    metadata,
  });
}

/** The two-step form as three graphs; `combine` takes one identity state (1,S) with any number of posture states. */
export function exportCached(
  cached: CachedForward,
  identityDim: number,
  weights: NamedWeights,
  metadata: GraphEnds['metadata'],
): { identityState: Uint8Array; postureState: Uint8Array; combine: Uint8Array } {
  const { identitySize, postureSize } = cached;
  const one = (
    name: string,
    input: { name: string; shape: (string | number)[] },
    output: { name: string; shape: (string | number)[] },
    emit: (graph: GraphBuilder, input: string) => string,
  ) => {
    const graph = new GraphBuilder();
    return graph.finish(emit(graph, input.name), { name, inputs: [input], output, metadata });
  };
  const graph = new GraphBuilder();
  return {
    identityState: one(
      'fra_identity_state',
      { name: 'identity', shape: ['N', identityDim] },
      { name: 'identity_state', shape: ['N', identitySize] },
      (own, input) => cached.emitIdentityState(own, weights, input),
    ),
    postureState: one(
      'fra_posture_state',
      { name: 'posture', shape: ['N', POSTURE_DIM] },
      { name: 'posture_state', shape: ['N', postureSize] },
      (own, input) => cached.emitPostureState(own, weights, input),
    ),
    combine: graph.finish(cached.emitCombine(graph, weights, 'identity_state', 'posture_state'), {
      name: 'fra_combine',
      inputs: [
        { name: 'identity_state', shape: ['M', identitySize] },
        { name: 'posture_state', shape: ['N', postureSize] },
      ],
      output: { name: 'embedding', shape: ['N', identityDim] },
      metadata,
    }),
  };
}

/**
 * The weights that `exportGenerator` wrote.
 *
 * @throws IntegrityError when the file lacks one, or has it in another shape.
 */
export function readGeneratorWeights(bytes: Uint8Array, generator: Generator, path: string): NamedWeights {
  return readOnnxWeights(bytes, generator.specs, path);
}

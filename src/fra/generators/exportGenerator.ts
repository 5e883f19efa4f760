/** A generator as combiner.onnx, and its weights read back from one. */
import { POSTURE_DIM } from '../../shared/face.ts';
import { GraphBuilder, type GraphEnds } from '../export/graphBuilder.ts';
import { readOnnxWeights } from '../export/readOnnxWeights.ts';
import type { NamedWeights } from '../networks/weights.ts';
import type { Generator } from './generator.ts';

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

/**
 * The weights that `exportGenerator` wrote.
 *
 * @throws IntegrityError when the file lacks one, or has it in another shape.
 */
export function readGeneratorWeights(bytes: Uint8Array, generator: Generator, path: string): NamedWeights {
  return readOnnxWeights(bytes, generator.specs, path);
}

/** The weights of a network, read back from the ONNX file that it was exported to. */
import { decodeModel, float32Values, tensorDims } from '../../models/onnx.ts';
import { IntegrityError } from '../../shared/errors.ts';
import type { NamedWeights, WeightSpecs, WeightValues } from '../networks/weights.ts';

/** What a file has to hold: name → shape as the file has it. */
export type ExportedShapes = Readonly<Record<string, Pick<WeightSpecs[string], 'shape'>>>;

/**
 * The weights of those names, in their order. `path` is for the message.
 *
 * @throws IntegrityError when the file lacks one, or has it in another shape.
 */
export function readOnnxWeights(bytes: Uint8Array, shapes: ExportedShapes, path: string): NamedWeights {
  const tensors = new Map(decodeModel(bytes).graph.initializer.map((tensor) => [tensor.name, tensor]));
  return new Map(
    Object.entries(shapes).map(([name, { shape }]): [string, WeightValues] => {
      const tensor = tensors.get(name);
      if (tensor === undefined || tensorDims(tensor).join() !== shape.join()) {
        throw new IntegrityError('bad-fra-weights', 'network does not hold the weights its card describes', {
          path,
          weight: name,
          expected: shape.join('×'),
          found: tensor === undefined ? 'nothing' : tensorDims(tensor).join('×'),
        });
      }
      return [name, { shape, values: float32Values(tensor) }];
    }),
  );
}

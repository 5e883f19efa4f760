/** What a graph takes and gives, and whether that is what the registry says. */
import { IntegrityError } from '../shared/errors.ts';
import { graphInputs } from './normalize.ts';
import { type OnnxModel, valueShape } from './onnx.ts';
import type { ModelFile, TensorSignature } from './registryEntry.ts';

/** An input or output as the graph really has it. */
export interface TensorInfo {
  readonly name: string;
  /** Numbers are fixed sizes, words free ones. Undeclared shapes are empty. */
  readonly shape: readonly (number | string)[];
}

export interface GraphSignature {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}

export function graphSignature(model: OnnxModel): GraphSignature {
  const info = (value: Parameters<typeof valueShape>[0]): TensorInfo => ({
    name: value.name,
    shape: valueShape(value) ?? [],
  });
  return { inputs: graphInputs(model.graph).map(info), outputs: model.graph.output.map(info) };
}

/** `input[N,3,112,112]`. */
function describeTensors(
  tensors: readonly { name?: string | undefined; shape: readonly (number | string)[] }[],
): string {
  return tensors.map(({ name, shape }) => `${name ?? 'any'}[${shape.join(',')}]`).join(' ');
}

/**
 * Throws IntegrityError when the graph does not fit the registry's signature. A number must be that number, or
 * free in the graph; a word must be free, except that a batch may stay fixed (the caller records it) and that
 * sizes other than the input's are often undeclared.
 */
export function checkSignature(found: GraphSignature, expected: Pick<ModelFile, 'inputs' | 'outputs'>): void {
  checkTensors('inputs', found.inputs, expected.inputs);
  checkTensors('outputs', found.outputs, expected.outputs);
}

function checkTensors(
  side: 'inputs' | 'outputs',
  found: readonly TensorInfo[],
  expected: readonly TensorSignature[],
): void {
  const fits =
    found.length === expected.length &&
    expected.every((wanted, i) => {
      const tensor = wanted.name === undefined ? found[i] : found.find((it) => it.name === wanted.name);
      return tensor !== undefined && shapeFits(tensor.shape, wanted.shape, side);
    });
  if (fits) return;
  throw new IntegrityError(
    'signature-mismatch',
    `${side} do not fit the registry: expected ${describeTensors(expected)}, found ${describeTensors(found)}`,
  );
}

function shapeFits(
  found: readonly (number | string)[],
  wanted: readonly (number | string)[],
  side: 'inputs' | 'outputs',
): boolean {
  // Many exporters leave the shapes of outputs out; the equality probe runs them anyway.
  if (side === 'outputs' && found.length === 0) return true;
  if (found.length !== wanted.length) return false;
  return wanted.every((size, axis) => {
    const actual = found[axis];
    if (typeof size === 'number') return actual === size || (typeof actual === 'string' && axis > 0);
    return axis === 0 || typeof actual === 'string' || side === 'outputs';
  });
}

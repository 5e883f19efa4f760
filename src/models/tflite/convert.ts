/**
 * TensorFlow Lite → ONNX for the float32 networks of the registry. TFLite keeps pictures as NHWC, ONNX computes
 * on NCHW: every 4-D value is NCHW inside the converted graph, weights are permuted once, and a transposition
 * stands only where the outside or a flattening needs the old order.
 */
import { IntegrityError } from '../../shared/errors.ts';
import { intsAttribute, makeModel, makeValueInfo, type OnnxModel } from '../onnx.ts';
import type { ModelFile, TensorSignature } from '../registryEntry.ts';
import { TO_NCHW, TO_NHWC } from './constants.ts';
import { Emitter } from './emitter.ts';
import { readTflite } from './reader.ts';
import { emitOperator } from './rules.ts';

/**
 * Converts a file. Inputs and outputs get the registry's names (`name` for the tensor `from`); sizes that the
 * registry names with a word become free, the batch always. With `channelsFirst` 4-D inputs and outputs are
 * NCHW, else they stay as in the file. Throws IntegrityError for a broken file or an operator it does not know.
 */
export function convertTflite(
  bytes: Uint8Array,
  file: Pick<ModelFile, 'inputs' | 'outputs'>,
  channelsFirst: boolean,
): OnnxModel {
  const graph = readTflite(bytes);
  const emitter = new Emitter(graph, emitOperator);

  const inputs = graph.inputs.map((index) => {
    const { name, shape } = outside(emitter, index, file.inputs, channelsFirst);
    const swapped = shape.length === 4 && !channelsFirst;
    const inside = swapped
      ? emitter.node('Transpose', [name], `${name}:nchw`, [intsAttribute('perm', TO_NCHW)])
      : name;
    emitter.bind(index, inside);
    return makeValueInfo(name, shape);
  });
  const outputs = graph.outputs.map((index) => {
    const { name, shape } = outside(emitter, index, file.outputs, channelsFirst);
    if (shape.length === 4 && !channelsFirst) {
      emitter.node('Transpose', [emitter.value(index)], name, [intsAttribute('perm', TO_NHWC)]);
    } else {
      emitter.node('Identity', [emitter.value(index)], name);
    }
    return makeValueInfo(name, shape);
  });
  return makeModel({
    name: 'from-tflite',
    inputs,
    outputs,
    nodes: emitter.nodes,
    initializers: emitter.initializers,
  });
}

/** What callers see of an input or output: the registry's name, the file's shape with what is free in it. */
function outside(
  emitter: Emitter,
  index: number,
  wanted: readonly TensorSignature[],
  channelsFirst: boolean,
): { name: string; shape: (number | string)[] } {
  const tensor = emitter.tensor(index);
  const signature = wanted.find((it) => it.from === tensor.name);
  if (signature === undefined) {
    const expected = wanted.map((it) => it.from ?? 'no name').join(', ');
    throw new IntegrityError(
      'signature-mismatch',
      `TFLite tensors do not fit the registry: expected ${expected}, found ${tensor.name}`,
    );
  }
  const order = tensor.shape.length === 4 && channelsFirst ? TO_NCHW : tensor.shape.map((_, axis) => axis);
  const shape = order.map((axis, i) => {
    const word = signature.shape[i];
    if (i === 0) return 'N';
    return typeof word === 'string' ? word : (tensor.shape[axis] ?? 1);
  });
  return { name: signature.name ?? tensor.name, shape };
}

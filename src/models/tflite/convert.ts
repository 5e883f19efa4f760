/**
 * TensorFlow Lite → ONNX for the float32 networks of the registry. TFLite keeps pictures as NHWC, ONNX computes
 * on NCHW: every 4-D value is NCHW inside the converted graph, weights are permuted once, and a transposition
 * stands only where the outside or a flattening needs the old order. SAME padding is ONNX's SAME_UPPER.
 */
import { IntegrityError } from '../../shared/errors.ts';
import {
  intAttribute,
  intsAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  stringAttribute,
} from '../onnx.ts';
import type { ModelFile, TensorSignature } from '../registry.ts';
import { ACTIVATION_SLOT, ELEMENTWISE, OPERATOR } from './operators.ts';
import { findProducers, matchPrelu, matchSoftmax } from './patterns.ts';
import { readTflite, type TfliteOperator, type TfliteTensor } from './reader.ts';

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

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
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const producers = findProducers(graph);
  /** ONNX name of every value emitted so far; 4-D values are NCHW. */
  const names = new Map<number, string>();

  const tensor = (index: number | undefined): TfliteTensor => {
    const found = graph.tensors[index ?? -1];
    if (found === undefined) throw new IntegrityError('bad-tflite', 'operator without a tensor');
    return found;
  };
  const emit = (
    opType: string,
    input: readonly string[],
    output: string,
    attributes: readonly OnnxAttribute[] = [],
  ): string => {
    nodes.push(makeNode(opType, input, [output], attributes));
    return output;
  };
  const constant = (name: string, dims: readonly number[], values: Float32Array): string => {
    initializers.push(makeTensor(name, dims, values));
    return name;
  };

  /** ONNX name of a tensor, emitting what computes it first. */
  function value(index: number | undefined): string {
    const known = names.get(index ?? -1);
    if (known !== undefined) return known;
    const operator = producers.get(index ?? -1);
    if (index === undefined || operator === undefined) {
      throw new IntegrityError('bad-tflite', 'nothing computes a tensor', { tensor: tensor(index).name });
    }
    const name = emitOperator(operator, `t${index}`);
    names.set(index, name);
    return name;
  }

  /** A constant of an elementwise operator: broadcast from the right in NHWC, so from the channels in NCHW. */
  function operand(index: number | undefined, rank: number, name: string): string {
    const { data, shape } = tensor(index);
    if (data === undefined) return value(index);
    const values = floats(tensor(index));
    if (rank < 4 || values.length === 1) return constant(name, values.length === 1 ? [1] : shape, values);
    const padded = [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
    return constant(
      name,
      TO_NCHW.map((axis) => padded[axis] ?? 1),
      permute(values, padded, TO_NCHW),
    );
  }

  function emitOperator(operator: TfliteOperator, output: string): string {
    const slot = ACTIVATION_SLOT.get(operator.code);
    const activation = slot === undefined ? 0 : operator.options.int8(slot);
    if (activation > 1) {
      throw new IntegrityError('unknown-operator', 'TFLite fused activation is not supported', {
        activation,
        tensor: tensor(operator.outputs[0]).name,
      });
    }
    const plain = activation === 0 ? output : `${output}:linear`;
    emitPlain(operator, plain);
    return activation === 0 ? plain : emit('Relu', [plain], output);
  }

  function emitPlain(operator: TfliteOperator, output: string): string {
    const { code, inputs, options } = operator;
    const first = tensor(inputs[0]);
    switch (code) {
      case OPERATOR.CONV_2D:
      case OPERATOR.DEPTHWISE_CONV_2D: {
        const depthwise = code === OPERATOR.DEPTHWISE_CONV_2D;
        const weights = tensor(inputs[1]);
        // CONV_2D: O,H,W,I → O,I,H,W. DEPTHWISE: 1,H,W,C·m → C·m,1,H,W.
        const order = depthwise ? [3, 0, 1, 2] : TO_NCHW;
        const dims = order.map((axis) => weights.shape[axis] ?? 1);
        const dilation = depthwise ? 5 : 4;
        return emit(
          'Conv',
          [
            value(inputs[0]),
            constant(`${output}:weights`, dims, permute(floats(weights), weights.shape, order)),
            ...bias(inputs[2], output),
          ],
          output,
          [
            ...windowAttributes(options, dims.slice(2)),
            intsAttribute('dilations', [options.int32(dilation + 1, 1), options.int32(dilation, 1)]),
            intAttribute('group', depthwise ? (first.shape[3] ?? 1) : 1),
          ],
        );
      }
      case OPERATOR.MAX_POOL_2D:
        return emit(
          'MaxPool',
          [value(inputs[0])],
          output,
          windowAttributes(options, [options.int32(4, 1), options.int32(3, 1)]),
        );
      case OPERATOR.FULLY_CONNECTED: {
        const weights = tensor(inputs[1]);
        const rows = constantShape(`${output}:rows`, [-1, weights.shape[1] ?? 1]);
        const flat = emit('Reshape', [channelsLast(inputs[0], output), rows], `${output}:flat`);
        return emit(
          'Gemm',
          [flat, constant(`${output}:weights`, weights.shape, floats(weights)), ...bias(inputs[2], output)],
          output,
          [intAttribute('transB', 1)],
        );
      }
      case OPERATOR.RESHAPE: {
        const target = tensor(operator.outputs[0]).shape;
        if (target.length === 4) break;
        // The batch is whatever comes in; the sizes of one sample are fixed.
        const shape = constantShape(`${output}:shape`, [-1, ...target.slice(1)]);
        return emit('Reshape', [channelsLast(inputs[0], output), shape], output);
      }
      case OPERATOR.REDUCE_MAX:
      case OPERATOR.SUM: {
        const keep = intAttribute('keepdims', options.bool(0) ? 1 : 0);
        const axes = integers(tensor(inputs[1])).map((axis) => onnxAxis(axis, first.shape.length));
        if (first.shape.length === 4 && !options.bool(0)) break;
        return code === OPERATOR.SUM
          ? emit('ReduceSum', [value(inputs[0]), constantShape(`${output}:axes`, axes)], output, [keep])
          : emit('ReduceMax', [value(inputs[0])], output, [intsAttribute('axes', axes), keep]);
      }
      default: {
        const softmax = matchSoftmax(producers, operator);
        if (softmax !== undefined) {
          const [axis] = integers(tensor(softmax.axis));
          const rank = tensor(softmax.input).shape.length;
          return emit('Softmax', [value(softmax.input)], output, [
            intAttribute('axis', onnxAxis(axis ?? -1, rank)),
          ]);
        }
        const prelu = matchPrelu(graph, producers, operator);
        if (prelu !== undefined) {
          const alpha = tensor(prelu.alpha);
          const slope = floats(alpha).map((value) => prelu.factor * value);
          const channels = [slope.length, ...(tensor(prelu.input).shape.length === 4 ? [1, 1] : [])];
          if (alpha.shape.length === 1) {
            return emit('PRelu', [value(prelu.input), constant(`${output}:slope`, channels, slope)], output);
          }
        }
        const opType = ELEMENTWISE.get(code);
        const rank = tensor(operator.outputs[0]).shape.length;
        if (opType === undefined) break;
        return emit(
          opType,
          inputs.map((input, i) => operand(input, rank, `${output}:operand${i}`)),
          output,
        );
      }
    }
    throw new IntegrityError('unknown-operator', 'TFLite operator is not supported', {
      operator: operator.custom ?? operatorName(code),
      tensor: tensor(operator.outputs[0]).name,
    });
  }

  function constantShape(name: string, values: readonly number[]): string {
    initializers.push(makeInt64Tensor(name, values));
    return name;
  }

  function bias(index: number | undefined, output: string): string[] {
    if (index === undefined || index < 0) return [];
    const values = floats(tensor(index));
    return [constant(`${output}:bias`, [values.length], values)];
  }

  /** The value in the file's own order, for flattening. A 1×1 picture is the same in both. */
  function channelsLast(index: number | undefined, output: string): string {
    const { shape } = tensor(index);
    if (shape.length !== 4 || (shape[1] === 1 && shape[2] === 1)) return value(index);
    return emit('Transpose', [value(index)], `${output}:nhwc`, [intsAttribute('perm', TO_NHWC)]);
  }

  const inputs = graph.inputs.map((index) => {
    const wanted = signatureOf(file.inputs, tensor(index).name, 'input');
    const shape = outsideShape(tensor(index).shape, wanted, channelsFirst);
    const name = wanted.name ?? tensor(index).name;
    const inside = shape.length === 4 && !channelsFirst;
    names.set(
      index,
      inside ? emit('Transpose', [name], `${name}:nchw`, [intsAttribute('perm', TO_NCHW)]) : name,
    );
    return makeValueInfo(name, shape);
  });
  const outputs = graph.outputs.map((index) => {
    const wanted = signatureOf(file.outputs, tensor(index).name, 'output');
    const shape = outsideShape(tensor(index).shape, wanted, channelsFirst);
    const name = wanted.name ?? tensor(index).name;
    if (shape.length === 4 && !channelsFirst) {
      emit('Transpose', [value(index)], name, [intsAttribute('perm', TO_NHWC)]);
    } else {
      emit('Identity', [value(index)], name);
    }
    return makeValueInfo(name, shape);
  });
  return makeModel({ name: 'from-tflite', inputs, outputs, nodes, initializers });
}

function windowAttributes(options: TfliteOperator['options'], kernel: readonly number[]): OnnxAttribute[] {
  return [
    stringAttribute('auto_pad', options.int8(0) === 0 ? 'SAME_UPPER' : 'VALID'),
    intsAttribute('strides', [options.int32(2, 1), options.int32(1, 1)]),
    intsAttribute('kernel_shape', kernel),
  ];
}

function signatureOf(
  wanted: readonly TensorSignature[],
  name: string,
  side: 'input' | 'output',
): TensorSignature {
  const found = wanted.find((it) => it.from === name);
  if (found !== undefined) return found;
  throw new IntegrityError(
    'signature-mismatch',
    `TFLite ${side}s do not fit the registry: expected ${wanted.map((it) => it.from ?? 'no name').join(', ')}, found ${name}`,
  );
}

/** The shape that callers see: the file's, with the batch and the registry's words free. */
function outsideShape(
  shape: readonly number[],
  wanted: TensorSignature,
  channelsFirst: boolean,
): (number | string)[] {
  const order = shape.length === 4 && channelsFirst ? TO_NCHW : shape.map((_, axis) => axis);
  return order.map((axis, i) => {
    const word = wanted.shape[i];
    if (i === 0) return 'N';
    return typeof word === 'string' ? word : (shape[axis] ?? 1);
  });
}

/** An axis of NHWC as the same axis of NCHW; other ranks keep theirs. */
function onnxAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  return rank === 4 ? TO_NCHW.indexOf(positive) : positive;
}

function floats(tensor: TfliteTensor): Float32Array {
  if (tensor.type !== 0 || tensor.data === undefined) {
    throw new IntegrityError('bad-tflite', 'expected float32 constants', {
      tensor: tensor.name,
      type: tensor.type,
    });
  }
  return new Float32Array(aligned(tensor.data));
}

function integers(tensor: TfliteTensor): number[] {
  if (tensor.type !== 2 || tensor.data === undefined) {
    throw new IntegrityError('bad-tflite', 'expected int32 constants', {
      tensor: tensor.name,
      type: tensor.type,
    });
  }
  return Array.from(new Int32Array(aligned(tensor.data)));
}

function aligned(data: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(data.byteLength);
  new Uint8Array(copy).set(data);
  return copy;
}

function operatorName(code: number): string {
  const known = Object.entries(OPERATOR).find(([, value]) => value === code);
  return known?.[0] ?? `code ${code}`;
}

/** Reorders axes: axis `i` of the result is axis `order[i]` of the source. */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const dims = order.map((axis) => shape[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 1);
  const result = new Float32Array(values.length);
  const at = dims.map(() => 0);
  let source = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[source] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] ?? 0) + 1;
      source += steps[axis] ?? 0;
      if ((at[axis] ?? 0) < (dims[axis] ?? 1)) break;
      source -= (steps[axis] ?? 0) * (dims[axis] ?? 1);
      at[axis] = 0;
    }
  }
  return result;
}

/** One rule an operator: how it is said in ONNX. To support another operator, add its code and its rule. */
import { IntegrityError } from '../../shared/errors.ts';
import { intAttribute, intsAttribute, type OnnxAttribute, stringAttribute } from '../onnx.ts';
import { floats, integers, onnxAxis, permute, TO_NCHW } from './constants.ts';
import type { Emitter } from './emitter.ts';
import { ACTIVATION_SLOT, ELEMENTWISE, OPERATOR, operatorName } from './operators.ts';
import { matchPrelu, matchSoftmax } from './patterns.ts';
import type { TfliteOperator } from './reader.ts';

/** Emits the operator; undefined: not supported in this form. */
type Rule = (emitter: Emitter, operator: TfliteOperator, output: string) => string | undefined;

const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [OPERATOR.CONV_2D, convolution],
  [OPERATOR.DEPTHWISE_CONV_2D, convolution],
  [OPERATOR.MAX_POOL_2D, maxPool],
  [OPERATOR.FULLY_CONNECTED, fullyConnected],
  [OPERATOR.RESHAPE, reshape],
  [OPERATOR.REDUCE_MAX, reduce],
  [OPERATOR.SUM, reduce],
  [OPERATOR.ADD, (...args) => prelu(...args) ?? elementwise(...args)],
  [OPERATOR.DIV, (...args) => softmax(...args) ?? elementwise(...args)],
]);

/** TFLite's ActivationFunctionType. */
const ACTIVATION = { none: 0, relu: 1 } as const;

/** Emits any operator. Throws IntegrityError with its name when there is no rule for it. */
export function emitOperator(emitter: Emitter, operator: TfliteOperator, output: string): string {
  const slot = ACTIVATION_SLOT.get(operator.code);
  const activation = slot === undefined ? ACTIVATION.none : operator.options.int8(slot);
  const known = activation === ACTIVATION.none || activation === ACTIVATION.relu;
  const rule = RULES.get(operator.code) ?? elementwise;
  const linear = activation === ACTIVATION.none ? output : `${output}:linear`;
  const emitted = known && operator.custom === undefined ? rule(emitter, operator, linear) : undefined;
  if (emitted === undefined) {
    throw new IntegrityError('unknown-operator', 'TFLite operator is not supported', {
      operator: operator.custom ?? operatorName(operator.code),
      activation: known ? undefined : activation,
      tensor: emitter.tensor(operator.outputs[0]).name,
    });
  }
  return activation === ACTIVATION.none ? emitted : emitter.node('Relu', [emitted], output);
}

function convolution(emitter: Emitter, { code, inputs, options }: TfliteOperator, output: string): string {
  const depthwise = code === OPERATOR.DEPTHWISE_CONV_2D;
  const weights = emitter.tensor(inputs[1]);
  // CONV_2D: O,H,W,I → O,I,H,W. DEPTHWISE_CONV_2D: 1,H,W,C·m → C·m,1,H,W.
  const order = depthwise ? [3, 0, 1, 2] : TO_NCHW;
  const dims = order.map((axis) => weights.shape[axis] ?? 1);
  const permuted = permute(floats(weights), weights.shape, order);
  const dilation = depthwise ? 5 : 4;
  return emitter.node(
    'Conv',
    [
      emitter.value(inputs[0]),
      emitter.constant(`${output}:weights`, dims, permuted),
      ...bias(emitter, inputs[2], output),
    ],
    output,
    [
      ...windowAttributes(options, dims.slice(2)),
      intsAttribute('dilations', [options.int32(dilation + 1, 1), options.int32(dilation, 1)]),
      intAttribute('group', depthwise ? (emitter.tensor(inputs[0]).shape[3] ?? 1) : 1),
    ],
  );
}

function maxPool(emitter: Emitter, { inputs, options }: TfliteOperator, output: string): string {
  const kernel = [options.int32(4, 1), options.int32(3, 1)];
  return emitter.node('MaxPool', [emitter.value(inputs[0])], output, windowAttributes(options, kernel));
}

/** Padding, strides and size of a window; TFLite's SAME puts the odd pixel at the end, like SAME_UPPER. */
function windowAttributes(options: TfliteOperator['options'], kernel: readonly number[]): OnnxAttribute[] {
  return [
    stringAttribute('auto_pad', options.int8(0) === 0 ? 'SAME_UPPER' : 'VALID'),
    intsAttribute('strides', [options.int32(2, 1), options.int32(1, 1)]),
    intsAttribute('kernel_shape', kernel),
  ];
}

function fullyConnected(emitter: Emitter, { inputs }: TfliteOperator, output: string): string {
  const weights = emitter.tensor(inputs[1]);
  const rows = emitter.integers(`${output}:rows`, [-1, weights.shape[1] ?? 1]);
  const flat = emitter.node('Reshape', [emitter.channelsLast(inputs[0], output), rows], `${output}:flat`);
  const matrix = emitter.constant(`${output}:weights`, weights.shape, floats(weights));
  return emitter.node('Gemm', [flat, matrix, ...bias(emitter, inputs[2], output)], output, [
    intAttribute('transB', 1),
  ]);
}

function bias(emitter: Emitter, index: number | undefined, output: string): string[] {
  if (index === undefined || index < 0) return [];
  const values = floats(emitter.tensor(index));
  return [emitter.constant(`${output}:bias`, [values.length], values)];
}

/** Only to what is not a picture. The batch is whatever comes in; the sizes of one sample are fixed. */
function reshape(emitter: Emitter, { inputs, outputs }: TfliteOperator, output: string): string | undefined {
  const target = emitter.tensor(outputs[0]).shape;
  if (target.length === 4) return undefined;
  const shape = emitter.integers(`${output}:shape`, [-1, ...target.slice(1)]);
  return emitter.node('Reshape', [emitter.channelsLast(inputs[0], output), shape], output);
}

function reduce(
  emitter: Emitter,
  { code, inputs, options }: TfliteOperator,
  output: string,
): string | undefined {
  const rank = emitter.rank(inputs[0]);
  const keep = options.bool(0);
  // Without the axis, a 4-D value would become a 3-D one in an order that the file does not mean.
  if (rank === 4 && !keep) return undefined;
  const axes = integers(emitter.tensor(inputs[1])).map((axis) => onnxAxis(axis, rank));
  const keepAttribute = intAttribute('keepdims', keep ? 1 : 0);
  const data = emitter.value(inputs[0]);
  return code === OPERATOR.SUM
    ? emitter.node('ReduceSum', [data, emitter.integers(`${output}:axes`, axes)], output, [keepAttribute])
    : emitter.node('ReduceMax', [data], output, [intsAttribute('axes', axes), keepAttribute]);
}

function prelu(emitter: Emitter, operator: TfliteOperator, output: string): string | undefined {
  const match = matchPrelu(emitter.graph, emitter.producers, operator);
  const alpha = match === undefined ? undefined : emitter.tensor(match.alpha);
  // One slope a channel; slopes of another shape stay the chain of operators that they are.
  if (match === undefined || alpha?.shape.length !== 1) return undefined;
  const slope = floats(alpha).map((value) => match.factor * value);
  const dims = emitter.rank(match.input) === 4 ? [slope.length, 1, 1] : [slope.length];
  return emitter.node(
    'PRelu',
    [emitter.value(match.input), emitter.constant(`${output}:slope`, dims, slope)],
    output,
  );
}

function softmax(emitter: Emitter, operator: TfliteOperator, output: string): string | undefined {
  const match = matchSoftmax(emitter.producers, operator);
  if (match === undefined) return undefined;
  const [axis, ...more] = integers(emitter.tensor(match.axis));
  if (axis === undefined || more.length > 0) return undefined;
  return emitter.node('Softmax', [emitter.value(match.input)], output, [
    intAttribute('axis', onnxAxis(axis, emitter.rank(match.input))),
  ]);
}

function elementwise(
  emitter: Emitter,
  { code, inputs, outputs }: TfliteOperator,
  output: string,
): string | undefined {
  const opType = ELEMENTWISE.get(code);
  const rank = emitter.rank(outputs[0]);
  // A computed operand of lower rank would be broadcast along other axes than in the file.
  const sameRank = inputs.every(
    (input) => emitter.tensor(input).data !== undefined || emitter.rank(input) === rank,
  );
  if (opType === undefined || !sameRank) return undefined;
  return emitter.node(
    opType,
    inputs.map((input, i) => emitter.operand(input, rank, `${output}:operand${i}`)),
    output,
  );
}

/**
 * Old converters wrote PReLU and softmax as chains of simple operators. Found again, they become one node each:
 * the same numbers, a third of the time in ONNX Runtime.
 */
import { OPERATOR } from './operators.ts';
import type { TfliteGraph, TfliteOperator } from './reader.ts';

/** The operator that computes a tensor, by tensor index. */
export type Producers = ReadonlyMap<number, TfliteOperator>;

export function findProducers(graph: TfliteGraph): Producers {
  return new Map(
    graph.operators.flatMap((operator) => operator.outputs.map((output) => [output, operator] as const)),
  );
}

/** The only input of the operator `code` that computes `tensor`. */
function through(producers: Producers, tensor: number | undefined, code: number): number | undefined {
  const operator = tensor === undefined ? undefined : producers.get(tensor);
  return operator?.code === code && noActivation(operator) ? operator.inputs[0] : undefined;
}

function noActivation(operator: TfliteOperator): boolean {
  const arithmetic = [OPERATOR.ADD, OPERATOR.MUL, OPERATOR.SUB, OPERATOR.DIV] as readonly number[];
  return !arithmetic.includes(operator.code) || operator.options.int8(0) === 0;
}

export interface PreluMatch {
  readonly input: number;
  /** Tensor of the constant that `factor` turns into the slope. */
  readonly alpha: number;
  readonly factor: 1 | 2;
}

/**
 * relu(x) + alpha·(−relu(−x)) is PReLU with slope alpha; relu(x) + alpha·(x − |x|) with slope 2·alpha, because
 * x − |x| is 2x below zero. Both are exact in float32.
 */
export function matchPrelu(
  graph: TfliteGraph,
  producers: Producers,
  add: TfliteOperator,
): PreluMatch | undefined {
  if (add.code !== OPERATOR.ADD || !noActivation(add)) return undefined;
  const [positive, negative] = add.inputs;
  const input = through(producers, positive, OPERATOR.RELU);
  const product = negative === undefined ? undefined : producers.get(negative);
  if (input === undefined || product?.code !== OPERATOR.MUL || !noActivation(product)) return undefined;
  const [a, b] = product.inputs;
  const alpha = [a, b].find((tensor) => tensor !== undefined && graph.tensors[tensor]?.data !== undefined);
  const below = alpha === a ? b : a;
  if (alpha === undefined) return undefined;

  const inner = through(
    producers,
    through(producers, through(producers, below, OPERATOR.NEG), OPERATOR.RELU),
    OPERATOR.NEG,
  );
  if (inner === input) return { input, alpha, factor: 1 };
  const difference = below === undefined ? undefined : producers.get(below);
  if (difference?.code === OPERATOR.SUB && noActivation(difference) && difference.inputs[0] === input) {
    if (through(producers, difference.inputs[1], OPERATOR.ABS) === input) return { input, alpha, factor: 2 };
  }
  return undefined;
}

export interface SoftmaxMatch {
  readonly input: number;
  /** Tensor of the axis constant. */
  readonly axis: number;
}

/** exp(x − max x) / Σ exp(x − max x), with max and sum over the same axis. */
export function matchSoftmax(producers: Producers, div: TfliteOperator): SoftmaxMatch | undefined {
  if (div.code !== OPERATOR.DIV || !noActivation(div)) return undefined;
  const [top, bottom] = div.inputs;
  const sum = bottom === undefined ? undefined : producers.get(bottom);
  if (sum?.code !== OPERATOR.SUM || sum.inputs[0] !== top || !sum.options.bool(0)) return undefined;
  const shifted = through(producers, top, OPERATOR.EXP);
  const difference = shifted === undefined ? undefined : producers.get(shifted);
  if (difference?.code !== OPERATOR.SUB || !noActivation(difference)) return undefined;
  const [input, largest] = difference.inputs;
  const max = largest === undefined ? undefined : producers.get(largest);
  if (max?.code !== OPERATOR.REDUCE_MAX || max.inputs[0] !== input || input === undefined) return undefined;
  const axis = sum.inputs[1];
  return axis === undefined || max.inputs[1] === undefined ? undefined : { input, axis };
}

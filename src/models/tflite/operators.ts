/** TFLite's operator codes that the converter knows (BuiltinOperator in schema.fbs). */
export const OPERATOR = {
  ADD: 0,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  FULLY_CONNECTED: 9,
  MAX_POOL_2D: 17,
  MUL: 18,
  RELU: 19,
  RESHAPE: 22,
  SUB: 41,
  DIV: 42,
  EXP: 47,
  MAXIMUM: 55,
  NEG: 59,
  SUM: 74,
  REDUCE_MAX: 82,
  ABS: 101,
} as const;

/** Operators of one or two values, alike in both formats. */
export const ELEMENTWISE: ReadonlyMap<number, string> = new Map([
  [OPERATOR.ADD, 'Add'],
  [OPERATOR.MUL, 'Mul'],
  [OPERATOR.SUB, 'Sub'],
  [OPERATOR.DIV, 'Div'],
  [OPERATOR.MAXIMUM, 'Max'],
  [OPERATOR.RELU, 'Relu'],
  [OPERATOR.NEG, 'Neg'],
  [OPERATOR.EXP, 'Exp'],
  [OPERATOR.ABS, 'Abs'],
]);

/** Option slot of the fused activation, for the operators that have one. */
export const ACTIVATION_SLOT: ReadonlyMap<number, number> = new Map([
  [OPERATOR.CONV_2D, 3],
  [OPERATOR.DEPTHWISE_CONV_2D, 4],
  [OPERATOR.MAX_POOL_2D, 5],
  [OPERATOR.FULLY_CONNECTED, 0],
  [OPERATOR.ADD, 0],
  [OPERATOR.MUL, 0],
  [OPERATOR.SUB, 0],
  [OPERATOR.DIV, 0],
]);

/** Name of an operator for messages. */
export function operatorName(code: number): string {
  return Object.entries(OPERATOR).find(([, known]) => known === code)?.[0] ?? `code ${code}`;
}

/** The ONNX graph under construction, and the way from a TFLite tensor to the value that stands for it. */
import { IntegrityError } from '../../shared/errors.ts';
import {
  intsAttribute,
  makeInt64Tensor,
  makeNode,
  makeTensor,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx.ts';
import { floats, permute, TO_NCHW, TO_NHWC } from './constants.ts';
import { findProducers, type Producers } from './patterns.ts';
import type { TfliteGraph, TfliteOperator, TfliteTensor } from './reader.ts';

/** Emits an operator under the name `output` and returns that name. */
export type EmitOperator = (emitter: Emitter, operator: TfliteOperator, output: string) => string;

/** Lives for one conversion. Values are emitted on demand, so what no output needs never enters the graph. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly producers: Producers;
  readonly graph: TfliteGraph;
  readonly #emitOperator: EmitOperator;
  /** ONNX name of every value emitted so far, by tensor index; 4-D values are NCHW. */
  readonly #names = new Map<number, string>();

  constructor(graph: TfliteGraph, emitOperator: EmitOperator) {
    this.graph = graph;
    this.producers = findProducers(graph);
    this.#emitOperator = emitOperator;
  }

  tensor(index: number | undefined): TfliteTensor {
    const found = this.graph.tensors[index ?? -1];
    if (found === undefined) throw new IntegrityError('bad-tflite', 'operator without a tensor', { index });
    return found;
  }

  rank(index: number | undefined): number {
    return this.tensor(index).shape.length;
  }

  node(
    opType: string,
    input: readonly string[],
    output: string,
    attributes: readonly OnnxAttribute[] = [],
  ): string {
    this.nodes.push(makeNode(opType, input, [output], attributes));
    return output;
  }

  constant(name: string, dims: readonly number[], values: Float32Array): string {
    this.initializers.push(makeTensor(name, dims, values));
    return name;
  }

  integers(name: string, values: readonly number[]): string {
    this.initializers.push(makeInt64Tensor(name, values));
    return name;
  }

  /** Says that a tensor is a value that exists already: a graph input. */
  bind(index: number, name: string): void {
    this.#names.set(index, name);
  }

  /** ONNX name of a computed tensor; what it needs is emitted first. */
  value(index: number | undefined): string {
    const known = this.#names.get(index ?? -1);
    if (known !== undefined) return known;
    const operator = this.producers.get(index ?? -1);
    if (index === undefined || operator === undefined) {
      throw new IntegrityError('bad-tflite', 'nothing computes a tensor', {
        tensor: this.tensor(index).name,
      });
    }
    const name = this.#emitOperator(this, operator, `t${index}`);
    this.bind(index, name);
    return name;
  }

  /**
   * An operand of an elementwise operator of that rank: a value, or a constant that is broadcast from the right
   * in NHWC and therefore from the channels in NCHW.
   */
  operand(index: number | undefined, rank: number, name: string): string {
    const tensor = this.tensor(index);
    if (tensor.data === undefined) return this.value(index);
    const values = floats(tensor);
    if (values.length === 1) return this.constant(name, [1], values);
    if (rank < 4) return this.constant(name, tensor.shape, values);
    const padded = [...Array.from({ length: 4 - tensor.shape.length }, () => 1), ...tensor.shape];
    return this.constant(
      name,
      TO_NCHW.map((axis) => padded[axis] ?? 1),
      permute(values, padded, TO_NCHW),
    );
  }

  /** A value in the file's own order, for flattening. A 1×1 picture is the same in both. */
  channelsLast(index: number | undefined, output: string): string {
    const { shape } = this.tensor(index);
    if (shape.length !== 4 || (shape[1] === 1 && shape[2] === 1)) return this.value(index);
    return this.node('Transpose', [this.value(index)], `${output}:nhwc`, [intsAttribute('perm', TO_NHWC)]);
  }
}

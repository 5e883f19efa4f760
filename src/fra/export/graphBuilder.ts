/** Collects nodes and constants of an ONNX graph; every method returns the name of its output. */
import {
  encodeModel,
  floatAttribute,
  intAttribute,
  intsAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  stringAttribute,
} from '../../models/onnx.ts';

export interface GraphEnds {
  readonly name: string;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[];
  readonly output: { readonly name: string; readonly shape: readonly (number | string)[] };
  readonly metadata: Readonly<Record<string, string>>;
}

/** Names of a generator's inputs in a graph: identity (N,D) of unit length, posture (N,512). */
export interface GraphInputs {
  readonly identity: string;
  readonly posture: string;
}

export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #constants: OnnxTensor[] = [];
  #count = 0;
  #scope = '';
  readonly #constantNames = new Set<string>();

  /** Constants that `emit` adds get names that begin with `scope`: two networks in one graph may name weights alike. */
  within(scope: string, emit: () => string): string {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}`;
    const result = emit();
    this.#scope = outer;
    return result;
  }

  /** A node with one output. */
  node(opType: string, inputs: readonly string[], attributes: readonly OnnxAttribute[] = []): string {
    const output = `${opType.toLowerCase()}_${this.#count++}`;
    this.#nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  }

  /** Adding the same name again answers with the constant that is there. */
  constant(name: string, shape: readonly number[], values: Float32Array): string {
    const scoped = `${this.#scope}${name}`;
    if (!this.#constantNames.has(scoped)) this.#constants.push(makeTensor(scoped, shape, values));
    this.#constantNames.add(scoped);
    return scoped;
  }

  /** A constant without a name of its own. */
  values(shape: readonly number[], values: readonly number[]): string {
    return this.constant(`values_${this.#count++}`, shape, Float32Array.from(values));
  }

  scalar(value: number): string {
    return this.values([], [value]);
  }

  integers(values: readonly number[]): string {
    const name = `integers_${this.#count++}`;
    this.#constants.push(makeInt64Tensor(name, values));
    return name;
  }

  /** 0 keeps the input's dimension, −1 takes what is left. */
  reshape(input: string, shape: readonly number[]): string {
    return this.node('Reshape', [input, this.integers(shape)]);
  }

  transpose(input: string, order: readonly number[]): string {
    return this.node('Transpose', [input], [intsAttribute('perm', order)]);
  }

  slice(input: string, axis: number, from: number, to: number): string {
    return this.node('Slice', [input, this.integers([from]), this.integers([to]), this.integers([axis])]);
  }

  concat(inputs: readonly string[], axis: number): string {
    return this.node('Concat', inputs, [intAttribute('axis', axis)]);
  }

  layerNorm(input: string, gain: string, bias: string, epsilon: number): string {
    return this.node(
      'LayerNormalization',
      [input, gain, bias],
      [intAttribute('axis', -1), floatAttribute('epsilon', epsilon)],
    );
  }

  /** Every pixel becomes a factor×factor square (N,C,H,W). */
  upsample(input: string, factor: number): string {
    const scales = this.values([4], [1, 1, factor, factor]);
    return this.node(
      'Resize',
      [input, '', scales],
      [
        stringAttribute('mode', 'nearest'),
        stringAttribute('coordinate_transformation_mode', 'asymmetric'),
        stringAttribute('nearest_mode', 'floor'),
      ],
    );
  }

  /** The ONNX file whose output is the value `result`. */
  finish(result: string, ends: GraphEnds): Uint8Array {
    this.#nodes.push(makeNode('Identity', [result], [ends.output.name]));
    return encodeModel(
      makeModel({
        name: ends.name,
        inputs: ends.inputs.map(({ name, shape }) => makeValueInfo(name, shape)),
        outputs: [makeValueInfo(ends.output.name, ends.output.shape)],
        nodes: this.#nodes,
        initializers: this.#constants,
        metadata: ends.metadata,
      }),
    );
  }
}

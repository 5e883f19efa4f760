/** What is what in a graph: which node makes a value, which ones read it, and which values are constants. */
import type { OnnxGraph, OnnxNode, OnnxTensor } from './onnx.ts';

export interface GraphIndex {
  readonly constants: Constants;
  readonly producers: ReadonlyMap<string, OnnxNode>;
  /** A node that reads a value twice is there twice. */
  readonly consumers: ReadonlyMap<string, readonly OnnxNode[]>;
  /** Values that leave the graph. */
  readonly outputs: ReadonlySet<string>;
}

/** Constants by their names. */
export type Constants = ReadonlyMap<string, OnnxTensor>;

export function indexGraph(graph: OnnxGraph): GraphIndex {
  const consumers = new Map<string, OnnxNode[]>();
  for (const node of graph.node) {
    for (const name of node.input) {
      const readers = consumers.get(name);
      if (readers === undefined) consumers.set(name, [node]);
      else readers.push(node);
    }
  }
  return {
    constants: constantTensors(graph),
    producers: new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node]))),
    consumers,
    outputs: new Set(graph.output.map(({ name }) => name)),
  };
}

/** The values that are known before the graph runs: initializers and Constant nodes. */
export function constantTensors(graph: OnnxGraph): Map<string, OnnxTensor> {
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.node) {
    if (node.opType !== 'Constant' || node.output[0] === undefined) continue;
    const value = node.attribute.find((attribute) => attribute.name === 'value')?.t;
    if (value) tensors.set(node.output[0], value);
  }
  return tensors;
}

/** The node that reads a node's only output, where that is one node and the value does not leave the graph. */
export function onlyConsumer({ consumers, outputs }: GraphIndex, node: OnnxNode): OnnxNode | undefined {
  const [value, ...others] = node.output;
  if (value === undefined || others.length > 0 || outputs.has(value)) return undefined;
  const readers = consumers.get(value) ?? [];
  return readers.length === 1 ? readers[0] : undefined;
}

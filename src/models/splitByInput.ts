/**
 * A network of several inputs, cut where they meet: what depends on one input alone becomes a network of its own, and
 * the rest reads what those answer. Of N rows that share their inputs, such as an identity at many postures, a side
 * then runs once for each different input, and only the rest N times. The parts do what the whole does, node by node.
 */
import { graphInputs } from './normalize.ts';
import {
  DATA_TYPE,
  decodeModel,
  encodeModel,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
} from './onnx.ts';

export interface NetworkSide {
  /** Name of the only input. */
  readonly input: string;
  readonly file: Uint8Array;
  /** Names of what it answers, float32 with the batch first; the rest reads them by the same names. */
  readonly outputs: readonly string[];
}

export interface SplitNetwork {
  /** At least one; an input of which nothing is made before it meets another has none. */
  readonly sides: readonly NetworkSide[];
  readonly rest: {
    readonly file: Uint8Array;
    /** What it reads, that of the sides and inputs of the whole. */
    readonly inputs: readonly string[];
  };
}

/** Undefined where inputs meet at once, or not at all, and where a node holds a graph of its own. */
export function splitByInput(file: Uint8Array): SplitNetwork | undefined {
  const model = decodeModel(file);
  const { graph } = model;
  if (graph.node.some(({ attribute }) => attribute.some(({ g }) => g))) return undefined;
  const dependencies = dependenciesOf(graph);
  const of = (value: string) => dependencies.get(value) ?? NOTHING;
  const outputs = graph.output.map(({ name }) => name);
  if (outputs.some((value) => of(value).size < 2)) return undefined;
  const meeting = graph.node.filter(({ input }) => union(input.map(of)).size > 1);
  const cut = [...new Set(meeting.flatMap(({ input }) => input))].filter((value) => of(value).size === 1);
  const sides = graphInputs(graph).flatMap(({ name: input }) => {
    const made = cut.filter((value) => value !== input && of(value).has(input));
    return made.length === 0 ? [] : [{ input, outputs: made, file: partOf(model, [input], made) }];
  });
  if (sides.length === 0) return undefined;
  return { sides, rest: { file: partOf(model, cut, outputs), inputs: cut } };
}

const NOTHING: ReadonlySet<string> = new Set();

/** The graph's inputs that each value depends on; constants on none. */
function dependenciesOf(graph: OnnxGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map(graphInputs(graph).map(({ name }) => [name, new Set([name]) as ReadonlySet<string>]));
  // Nodes come after what they read: the format asks for it.
  for (const node of graph.node) {
    const all = union(node.input.map((value) => known.get(value) ?? NOTHING));
    for (const output of node.output) known.set(output, all);
  }
  return known;
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** The nodes between values, as a network; its other values are as in the whole. */
function partOf(model: OnnxModel, inputs: readonly string[], outputs: readonly string[]): Uint8Array {
  const { graph } = model;
  const given = new Set(inputs);
  const wanted = new Set(outputs);
  const node: OnnxNode[] = [];
  for (const candidate of [...graph.node].reverse()) {
    if (!candidate.output.some((value) => wanted.has(value) && !given.has(value))) continue;
    node.unshift(candidate);
    for (const value of candidate.input) wanted.add(value);
  }
  const ends = new Map([...graph.input, ...graph.output].map((value) => [value.name, value]));
  const describe = (name: string) =>
    ends.get(name) ?? { name, type: { tensorType: { elemType: DATA_TYPE.float32 } } };
  return encodeModel({
    ...model,
    graph: {
      ...graph,
      node,
      initializer: graph.initializer.filter(({ name }) => wanted.has(name)),
      input: inputs.map(describe),
      output: outputs.map(describe),
      valueInfo: [],
    },
  });
}

/**
 * Makes a third-party ONNX graph fit for bulk work: denormal weights become zero and the batch dimension free.
 * Both leave every output as it was; `probe.ts` holds that against the original before a model is used.
 */
import { constantTensors } from './graphIndex.ts';
import {
  DATA_TYPE,
  float32Values,
  int64ToNumber,
  int64Values,
  makeInt64Tensor,
  type OnnxGraph,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValueInfo,
} from './onnx.ts';

/** Raised when the same file would be normalised differently: cached models of another version are not used. */
export const NORMALIZER_VERSION = 3;

/**
 * Weights below this magnitude become zero. Denormal float32 start below 1.2e-38 and make a multiplication
 * 10–100 times slower; anything below 1e-12 is below the rounding of every sum it enters.
 */
export const TINY_WEIGHT = 1e-12;

/** The free batch dimension's name in normalised graphs. */
const BATCH_DIM = 'N';

/** Inputs that a caller feeds: old exporters list the weights among the inputs too. */
export function graphInputs(graph: OnnxGraph): OnnxValueInfo[] {
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  return graph.input.filter((input) => !weights.has(input.name));
}

/** Sets every float32 weight with |w| < 1e-12 to 0, in place; returns how many were not 0 before. */
export function flushTinyWeights(graph: OnnxGraph): number {
  let flushed = 0;
  const tensors = [
    ...graph.initializer,
    ...graph.node.flatMap((node) =>
      node.attribute.flatMap((attribute) => (attribute.t ? [attribute.t] : [])),
    ),
  ];
  for (const tensor of tensors) {
    if (tensor.dataType !== DATA_TYPE.float32 || (tensor.externalData?.length ?? 0) > 0) continue;
    const values = float32Values(tensor);
    let found = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value !== 0 && Math.abs(value) < TINY_WEIGHT) {
        values[i] = 0;
        found++;
      }
    }
    if (found === 0) continue;
    flushed += found;
    tensor.rawData = new Uint8Array(values.buffer);
    tensor.floatData = [];
  }
  return flushed;
}

/** The declared size of dimension 0: a number, or undefined when it is free or undeclared. */
export function fixedBatch(value: OnnxValueInfo): number | undefined {
  const first = value.type?.tensorType?.shape?.dim[0];
  if (first === undefined || first.dimParam) return undefined;
  const size = int64ToNumber(first.dimValue ?? 0);
  return size > 0 ? size : undefined;
}

/**
 * Gives inputs and outputs a free dimension 0, in place. Exporters also write the batch into the target shape of
 * Reshape ([1,-1] flattens a batch of 4 into one row): its leading 1 becomes 0, which means "as the input has
 * it". Shapes that say the batch elsewhere (Expand, Resize by sizes …) are left; the probe finds out whether the
 * result really works.
 */
export function freeBatch(model: OnnxModel): void {
  const { graph } = model;
  const inputs = graphInputs(graph);
  const batch = Math.max(1, ...inputs.map((input) => fixedBatch(input) ?? 1));
  const constants = constantTensors(graph);
  const added: OnnxTensor[] = [];
  for (const node of graph.node) {
    const [data, shapeName] = node.input;
    if (node.opType !== 'Reshape' || data === undefined || constants.has(data)) continue;
    const shape = constants.get(shapeName ?? '');
    if (shape === undefined || shape.dataType !== DATA_TYPE.int64) continue;
    const target = int64Values(shape);
    if (target[0] !== batch || target.length < 2) continue;
    // A tensor of its own: other nodes may share the old one.
    const name = `${node.output[0]}:shape`;
    added.push(makeInt64Tensor(name, [0, ...target.slice(1)]));
    node.input = [data, name];
  }
  graph.initializer = [...graph.initializer, ...added];
  // Old exporters list weights as inputs too, which keeps the runtime from folding them: they leave the list.
  graph.input = inputs;
  for (const value of [...inputs, ...graph.output]) {
    const shape = value.type?.tensorType?.shape;
    if (shape && shape.dim.length > 0) shape.dim = [{ dimParam: BATCH_DIM }, ...shape.dim.slice(1)];
  }
  // Shapes of inner values were inferred for the fixed batch and would now be wrong.
  graph.valueInfo = [];
  dropUnused(graph);
}

/**
 * Gives an input without a declared batch a batch of 1, in place: what declares a free one without being able to run it
 * would be given one.
 */
export function declareBatch(graph: OnnxGraph): void {
  for (const input of graphInputs(graph)) {
    const shape = input.type?.tensorType?.shape;
    if (!shape || shape.dim.length === 0 || fixedBatch(input) !== undefined) continue;
    shape.dim = [{ dimValue: 1 }, ...shape.dim.slice(1)];
  }
}

/** Removes constants that no node reads any more: ONNX Runtime warns about each of them at every start. */
export function dropUnused(graph: OnnxGraph): void {
  const inner = graph.node.some((node) => node.attribute.some((attribute) => attribute.g));
  // An inner graph may read outer values by name.
  if (inner) return;
  const read = new Set([
    ...graph.node.flatMap((node) => node.input),
    ...graph.output.map((output) => output.name),
  ]);
  graph.initializer = graph.initializer.filter((tensor) => read.has(tensor.name));
  graph.node = graph.node.filter(
    (node) => node.opType !== 'Constant' || node.output.some((output) => read.has(output)),
  );
}

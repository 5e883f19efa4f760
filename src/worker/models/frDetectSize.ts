/**
 * `fr_detect` for another input size. Its graph is convolutions, which take any size, and three tables of anchors in
 * the form of the published size: the anchors are computed anew. Anchors (Ultra-Light-Fast): for each stride, at the
 * middle of every cell, squares of these sides in input pixels.
 */
import {
  DATA_TYPE,
  decodeModel,
  encodeModel,
  float32Values,
  makeTensor,
  makeValueInfo,
  type OnnxGraph,
  type OnnxTensor,
} from '../../models/onnx.ts';
import { IntegrityError } from '../../shared/errors.ts';

export interface InputSize {
  readonly width: number;
  readonly height: number;
}

const PUBLISHED: InputSize = { width: 320, height: 240 };

const ANCHOR_SIDES: readonly { readonly stride: number; readonly sides: readonly number[] }[] = [
  { stride: 8, sides: [10, 16, 24] },
  { stride: 16, sides: [32, 48] },
  { stride: 32, sides: [64, 96] },
  { stride: 64, sides: [128, 192, 256] },
];

/**
 * Anchors as shares of the input: n × 2 middles, n × 2 sizes. Cells divide the input evenly, also where a last one juts
 * out.
 */
export function anchorsOf({ width, height }: InputSize): { middles: Float32Array; sizes: Float32Array } {
  const middles: number[] = [];
  const sizes: number[] = [];
  for (const { stride, sides } of ANCHOR_SIDES) {
    const columns = Math.ceil(width / stride);
    const rows = Math.ceil(height / stride);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (const side of sides) {
          middles.push((column + 0.5) / columns, (row + 0.5) / rows);
          sizes.push(Math.min(1, side / width), Math.min(1, side / height));
        }
      }
    }
  }
  return { middles: Float32Array.from(middles), sizes: Float32Array.from(sizes) };
}

/** How many anchors, and so answers, an input of this size has. */
export function anchorCount({ width, height }: InputSize): number {
  return ANCHOR_SIDES.reduce(
    (sum, { stride, sides }) => sum + Math.ceil(width / stride) * Math.ceil(height / stride) * sides.length,
    0,
  );
}

/**
 * The file for another input size.
 *
 * @throws IntegrityError when its anchors are not those of the published network.
 */
export function detectorOfSize(file: Uint8Array, size: InputSize): Uint8Array {
  const model = decodeModel(file);
  const { graph } = model;
  const [published, wanted] = [anchorsOf(PUBLISHED), anchorsOf(size)];
  let middles = 0;
  let sizes = 0;
  replaceConstants(graph, (tensor) => {
    if (tensor.dims.length !== 3) return undefined;
    const values = float32Values(tensor);
    const count = wanted.middles.length / 2;
    if (isSame(values, published.middles)) {
      middles++;
      return makeTensor(tensor.name, [1, count, 2], wanted.middles);
    }
    if (isSame(values, published.sizes)) {
      sizes++;
      return makeTensor(tensor.name, [1, count, 2], wanted.sizes);
    }
    return undefined;
  });
  if (middles !== 1 || sizes !== 2) {
    throw new IntegrityError('model-signature', 'detector has other anchors than the published one', {
      expected: '1 table of middles, 2 of sizes',
      found: `${middles} and ${sizes}`,
    });
  }
  const [input] = graph.input;
  graph.input = [makeValueInfo(input!.name, ['N', 3, size.height, size.width])];
  graph.output = graph.output.map(({ name }) =>
    makeValueInfo(name, ['N', wanted.middles.length / 2, name === 'scores' ? 2 : 4]),
  );
  return encodeModel(model);
}

function isSame(values: Float32Array, expected: Float32Array): boolean {
  return (
    values.length === expected.length && values.every((value, i) => Math.abs(value - expected[i]!) < 1e-5)
  );
}

/** Replaces float constants, wherever the exporter put them. */
function replaceConstants(graph: OnnxGraph, replace: (tensor: OnnxTensor) => OnnxTensor | undefined): void {
  const isFloat = (tensor: OnnxTensor) => tensor.dataType === DATA_TYPE.float32;
  graph.initializer = graph.initializer.map((tensor) =>
    isFloat(tensor) ? (replace(tensor) ?? tensor) : tensor,
  );
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.t && isFloat(attribute.t)) attribute.t = replace(attribute.t) ?? attribute.t;
    }
  }
}

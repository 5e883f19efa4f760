/** Constants of a TFLite graph, and their order of axes: NHWC in the file, NCHW in the converted graph. */
import { IntegrityError } from '../../shared/errors.ts';
import type { TfliteTensor } from './reader.ts';

/** `permute(nhwc, shape, TO_NCHW)`; also the `perm` of a Transpose. */
export const TO_NCHW: readonly number[] = [0, 3, 1, 2];
export const TO_NHWC: readonly number[] = [0, 2, 3, 1];

/** An axis of NHWC as the same axis of NCHW; other ranks keep theirs. */
export function onnxAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  return rank === 4 ? TO_NCHW.indexOf(positive) : positive;
}

/** Values of a float32 constant, copied. */
export function floats(tensor: TfliteTensor): Float32Array {
  if (tensor.type !== 0 || tensor.data === undefined) {
    throw new IntegrityError('bad-tflite', 'expected float32 constants', {
      tensor: tensor.name,
      type: tensor.type,
    });
  }
  return new Float32Array(aligned(tensor.data));
}

/** Values of an int32 constant. */
export function integers(tensor: TfliteTensor): number[] {
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

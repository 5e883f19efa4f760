/** Parts of a registry entry in words, for what is said of it and for what is compared. */
import type { Preprocess, TensorSignature } from './registryEntry.ts';

/** `rgb mean 127,127,127 std 128,128,128` */
export function describePreprocess({ colour, mean, std }: Preprocess): string {
  return `${colour} mean ${mean.join()} std ${std.join()}`;
}

/** `[N,3,112,112] [N,512]` */
export function describeShapes(tensors: readonly TensorSignature[]): string {
  return tensors.map(({ shape }) => `[${shape.join(',')}]`).join(' ');
}

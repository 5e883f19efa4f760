/**
 * A network for the kernels that ONNX Runtime has on a CPU. The file in the cache stays as it was normalised: it is what digests
 * name, and what a GPU runs.
 */
import { padDepthwise } from './depthwisePadding.ts';
import { decodeModel, encodeModel } from './onnx.ts';
import { rewritePRelu } from './preluConvs.ts';

/** The same network; the same bytes where there is nothing to be gained. Throws IntegrityError when they are no model. */
export function forCpu(file: Uint8Array): Uint8Array {
  // Found in the bytes first: a large file is decoded only where it may pay.
  if (!Buffer.from(file.buffer, file.byteOffset, file.byteLength).includes('Conv')) return file;
  const model = decodeModel(file);
  const rewritten = rewritePRelu(model.graph) + padDepthwise(model.graph);
  return rewritten > 0 ? encodeModel(model) : file;
}

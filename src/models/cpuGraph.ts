/**
 * A network for the kernels that ONNX Runtime has on a CPU. The file in the cache stays as it was normalised: it is
 * what digests name, and what a GPU runs.
 */
import { padDepthwise } from './depthwisePadding.ts';
import { dropUnused, graphInputs } from './normalize.ts';
import { decodeModel, encodeModel } from './onnx.ts';
import { rewritePRelu } from './preluConvs.ts';

/**
 * The same network; the same bytes where there is nothing to be gained. Throws IntegrityError when they are no model.
 */
export function forCpu(file: Uint8Array): Uint8Array {
  // Found in the bytes first: a large file is decoded only where it may pay.
  if (!Buffer.from(file.buffer, file.byteOffset, file.byteLength).includes('Conv')) return file;
  const model = decodeModel(file);
  // Weights that are listed as inputs, too, would stay inputs without a value when rewriting replaces them.
  model.graph.input = graphInputs(model.graph);
  const rewritten = rewritePRelu(model.graph) + padDepthwise(model.graph);
  if (rewritten === 0) return file;
  // In files of that age ONNX Runtime refuses a weight that is neither an input nor read.
  dropUnused(model.graph);
  return encodeModel(model);
}

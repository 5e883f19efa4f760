/** From the published file to the graph that workers run: convert, normalise, check the signature, probe. */
import type { InferenceSession } from 'onnxruntime-node';
import { IntegrityError } from '../shared/errors.ts';
import { forCpu } from './cpuGraph.ts';
import { declareBatch, fixedBatch, flushTinyWeights, freeBatch, graphInputs } from './normalize.ts';
import { decodeModel, encodeModel, type OnnxModel } from './onnx.ts';
import {
  CPU_TOLERANCE,
  openProbeSession,
  PROBE_TOLERANCE,
  type ProbeInput,
  type ProbeResult,
  probeEquality,
} from './probe.ts';
import type { ModelFile, Preprocess } from './registryEntry.ts';
import { checkSignature, type GraphSignature, graphSignature } from './signature.ts';
import { convertTflite } from './tflite/convert.ts';

export interface PreparedModel {
  /** The normalised ONNX file. */
  readonly bytes: Uint8Array;
  readonly signature: GraphSignature;
  /** `fixed`: the graph runs only with the batch it declares. */
  readonly batch: 'free' | 'fixed';
  /** Weights below 1e-12 that became 0. */
  readonly flushedWeights: number;
  readonly probe: ProbeResult;
}

/** Throws IntegrityError when the file is not a model, does not fit the registry or fails the probe. */
export async function prepareModel(
  source: Uint8Array,
  file: ModelFile,
  preprocess: Preprocess,
): Promise<PreparedModel> {
  // The converter makes graphs with a free batch; nothing but the conversion itself can be the original then.
  const original =
    file.format === 'tflite'
      ? encodeModel(convertTflite(source, file, preprocess.layout === 'NCHW'))
      : source;
  refuseExternalData(decodeModel(original));
  const free = await tryPrepare(original, file, preprocess, true);
  if (free !== undefined) return free;
  const fixed = await tryPrepare(original, file, preprocess, false);
  if (fixed !== undefined) return fixed;
  throw new IntegrityError(
    'probe-failed',
    'the normalised graph does not compute what the original computes',
    {},
  );
}

async function tryPrepare(
  original: Uint8Array,
  file: ModelFile,
  preprocess: Preprocess,
  free: boolean,
): Promise<PreparedModel | undefined> {
  const model = decodeModel(original);
  const inputs = graphInputs(model.graph);
  const originalBatch = inputs[0] === undefined ? 1 : (fixedBatch(inputs[0]) ?? 1);
  const flushedWeights = flushTinyWeights(model.graph);
  if (free) freeBatch(model);
  else declareBatch(model.graph);
  const signature = graphSignature(model);
  checkSignature(signature, file);
  const [input] = signature.inputs;
  if (input === undefined || signature.inputs.length !== 1) {
    throw new IntegrityError('signature-mismatch', 'expected one input', { found: signature.inputs.length });
  }
  const bytes = encodeModel(model);
  const before = await openProbeSession(original, 'published');
  try {
    const after = await openProbeSession(bytes, 'normalised');
    try {
      // What the graph leaves free, pictures have as the registry says.
      const asked = file.inputs[0]?.shape ?? [];
      const shape = input.shape
        .map((size, axis) => [size, asked[axis]].find((it) => typeof it === 'number') ?? size)
        .slice(1);
      const probed: ProbeInput = { name: input.name, shape, originalBatch, preprocess };
      const probe = await probeEquality(before, after, probed, free);
      if (!(probe.singleDifference <= PROBE_TOLERANCE)) return undefined;
      if (!(probe.batchDifference <= PROBE_TOLERANCE)) {
        if (free) return undefined;
        throw new IntegrityError(
          'probe-failed',
          'expected outputs that depend on their own sample alone, found others with other neighbours or at another place',
          { batch: originalBatch, difference: probe.batchDifference },
        );
      }
      const outputs = signature.outputs.map(({ name }) => ({
        name,
        shape: probe.outputShapes.get(name) ?? [],
      }));
      checkSignature({ inputs: signature.inputs, outputs }, file);
      await checkForCpu(bytes, after, { ...probed, originalBatch: free ? 1 : originalBatch });
      return { bytes, signature, batch: free ? 'free' : 'fixed', flushedWeights, probe };
    } finally {
      await after.release();
    }
  } catch (error) {
    // A graph that ONNX Runtime opens or runs only with the declared batch: the fixed form is tried next.
    if (free && !(error instanceof IntegrityError && error.code === 'signature-mismatch')) return undefined;
    throw error;
  } finally {
    await before.release();
  }
}

/**
 * Workers on a CPU run a rewritten graph (`forCpu`) instead of the file: here it is checked that both compute the same.
 */
async function checkForCpu(
  bytes: Uint8Array,
  normalised: InferenceSession,
  input: ProbeInput,
): Promise<void> {
  const rewritten = forCpu(bytes);
  if (rewritten === bytes) return;
  const opened = await openProbeSession(rewritten, 'rewritten');
  try {
    const { singleDifference } = await probeEquality(normalised, opened, input, false);
    if (singleDifference <= CPU_TOLERANCE) return;
    throw new IntegrityError(
      'probe-failed',
      'the graph as a CPU runs it does not compute what the file computes',
      {
        difference: singleDifference,
      },
    );
  } finally {
    await opened.release();
  }
}

function refuseExternalData(model: OnnxModel): void {
  const outside = model.graph.initializer.find((tensor) => (tensor.externalData?.length ?? 0) > 0);
  if (outside === undefined) return;
  throw new IntegrityError('external-data', 'expected all weights inside the file, found some in another', {
    tensor: outside.name,
  });
}

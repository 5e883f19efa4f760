/** Any ONNX recogniser of the form [N,3,112,112] → [N,D]: crop in, raw (not yet normalised) embedding out. */
import { IntegrityError } from '../../shared/errors.ts';
import { CROP_SIZE, type FaceCrop } from '../../shared/face.ts';
import { type Normalisation, writePlanes } from './planes.ts';
import { inRuns, type NetworkSession } from './session.ts';

/** Crops a run: more are no faster and keep more memory. */
const CPU_BATCH = 1;

export interface Recognizer {
  readonly embedDim: number;
  /** Raw embeddings, one of `embedDim` values a crop. */
  embed(crops: readonly FaceCrop[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export function onnxRecognizer(session: NetworkSession, embedDim: number, pixels: Normalisation): Recognizer {
  return {
    embedDim,
    embed: (crops) =>
      inRuns(session, CPU_BATCH, crops, (batch) => embedBatch(session, embedDim, pixels, batch)),
    close: () => session.close(),
  };
}

async function embedBatch(
  session: NetworkSession,
  embedDim: number,
  pixels: Normalisation,
  crops: readonly FaceCrop[],
): Promise<Float32Array[]> {
  const itemSize = 3 * CROP_SIZE * CROP_SIZE;
  const input = session.inputOf(crops.length * itemSize);
  crops.forEach((crop, i) => {
    writePlanes(input, i * itemSize, crop, pixels);
  });
  const outputs = await session.run(input, [crops.length, 3, CROP_SIZE, CROP_SIZE]);
  // Recognisers name their one output as they like.
  const output = outputs[session.outputNames[0] ?? ''];
  if (output === undefined || output.data.length !== crops.length * embedDim) {
    throw new IntegrityError('model-signature', `recogniser must answer ${embedDim} values a face`, {
      path: session.path,
      found: output?.dims.join('×'),
    });
  }
  return crops.map((_, i) => output.data.slice(i * embedDim, (i + 1) * embedDim));
}

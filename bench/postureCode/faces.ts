/** Files of samples → faces of real people with their posture codes. */
import type { FraModel } from '../../src/fra/fraModel.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';
import { readAnySamples, type TrainingSample } from '../../src/training/samples.ts';
import { openPostureEncoder } from '../../src/worker/models/openModels.ts';
import { expressionOf, type PostureFace } from './postureFace.ts';

const BATCH = 32;

export async function readPostureFaces(paths: readonly string[], model: FraModel): Promise<PostureFace[]> {
  const { embedDim } = model.card.recognizer;
  const samples: TrainingSample[] = [];
  for (const path of paths) {
    const read = await readAnySamples(path);
    if (read === undefined) throw new Error(`expected the samples.arrow of a training [path=${path}]`);
    const found = read[0]?.embedding.length;
    if (found !== embedDim) throw new Error(`expected embeddings of ${embedDim} values, found ${found}`);
    samples.push(...read.filter(({ origin }) => origin.length === 0));
  }
  const encoder = await openPostureEncoder(model.paths.encoder, { device: 'cpu', intraOpThreads: 1 });
  const faces: PostureFace[] = [];
  for (let start = 0; start < samples.length; start += BATCH) {
    const some = samples.slice(start, start + BATCH);
    const codes = await encoder.encode(some.map(({ landmarks }) => drawLandmarkImage(landmarks)));
    some.forEach((sample, i) => {
      faces.push({ ...sample, code: codes[i]!, expression: expressionOf(sample.faceId) });
    });
  }
  await encoder.close();
  return faces;
}

/** The FRA encoder: landmark images [N,1,112,112] → posture codes [N,512]. */
import { CROP_SIZE, type LandmarkImage, POSTURE_DIM } from '../../shared/face.ts';
import { inRuns, type NetworkSession, outputOf } from './session.ts';

/** Images a run: 32 take .54 ms each, one alone .47, and a run's memory is kept. */
const CPU_BATCH = 1;

export interface PostureEncoder {
  /** One posture code of 512 values a landmark image. */
  encode(images: readonly LandmarkImage[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export function onnxPostureEncoder(session: NetworkSession): PostureEncoder {
  return {
    encode: (images) => inRuns(session, CPU_BATCH, images, (batch) => encodeBatch(session, batch)),
    close: () => session.close(),
  };
}

async function encodeBatch(
  session: NetworkSession,
  images: readonly LandmarkImage[],
): Promise<Float32Array[]> {
  const itemSize = CROP_SIZE * CROP_SIZE;
  const input = session.inputOf(images.length * itemSize);
  images.forEach((image, i) => {
    input.set(image, i * itemSize);
  });
  const outputs = await session.run(input, [images.length, 1, CROP_SIZE, CROP_SIZE]);
  const codes = outputOf(session, outputs, 'posture', [POSTURE_DIM]);
  return images.map((_, i) => codes.slice(i * POSTURE_DIM, (i + 1) * POSTURE_DIM));
}

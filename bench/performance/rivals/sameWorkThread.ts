/**
 * A thread that decodes, detects, locates landmarks by one look (a run takes five, to know which are invented), aligns
 * and embeds: no pose, no posture code, no variants, no table.
 */
import { isRejection, type Rejection } from '../../../src/shared/face.ts';
import { serveThread } from '../../../src/shared/threads/serveThread.ts';
import type { FacePipelineOptions } from '../../../src/worker/facePipeline.ts';
import { openDetector, openLandmarks, openRecognizer } from '../../../src/worker/models/openModels.ts';
import { openPictureMemory } from '../../../src/worker/models/pictureMemory.ts';
import type { Box } from '../../../src/worker/models/raster.ts';
import { pictureTurns, TURN_BYTES } from '../../../src/worker/pictureTurns.ts';
import { alignFace } from '../../../src/worker/stages/align.ts';
import { fivePoints } from '../../../src/worker/stages/alignTransform.ts';
import { decodeImage } from '../../../src/worker/stages/decode.ts';
import { detectFaces } from '../../../src/worker/stages/detect.ts';
import { embedCrops } from '../../../src/worker/stages/embed.ts';

export interface SameWorkInit {
  readonly models: Pick<FacePipelineOptions['models'], 'detector' | 'landmarks' | 'recognizer'>;
}

export interface FoundFace {
  /** The square that landmarks are measured on, in picture pixels. */
  readonly square: Box;
  readonly embedding: Float32Array;
}

await serveThread(async ({ models }: SameWorkInit) => {
  const session = { device: 'cpu', intraOpThreads: 1 } as const;
  const detector = await openDetector(models.detector, session);
  const landmarks = await openLandmarks(models.landmarks, session);
  const recognizer = await openRecognizer(models.recognizer, session);
  const memory = openPictureMemory(TURN_BYTES);
  const findFaces = async (files: readonly Uint8Array[]): Promise<(FoundFace | null)[]> => {
    memory.clear();
    const decoded = await Promise.all(files.map((file) => decodeImage(file, memory)));
    const pictures = accepted(decoded);
    const chosen = await detectFaces(
      detector,
      pictures.map(({ value }) => value),
    );
    const faces = accepted(chosen);
    const points = await landmarks.locate(faces.map(({ value }) => value));
    const aligned = accepted(
      faces.map(({ value }, i) => {
        const points68 = points[i]!;
        return alignFace({ ...value, points68, spread: 0, five: fivePoints(points68), confirmed: true });
      }),
    );
    const embeddings = await embedCrops(
      recognizer,
      aligned.map(({ value }) => value.crop),
    );
    const found: (FoundFace | null)[] = files.map(() => null);
    for (const { index, value: embedding } of accepted(embeddings)) {
      const face = faces[aligned[index]!.index]!;
      found[pictures[face.index]!.index] = { square: face.value.region, embedding };
    }
    return found;
  };
  return async (files: readonly Uint8Array[]) => {
    const response: (FoundFace | null)[] = [];
    for (const turn of pictureTurns(files.map((bytes) => ({ bytes })))) {
      response.push(...(await findFaces(turn.map(({ bytes }) => bytes))));
    }
    return { response, transfer: [] };
  };
});

/** What a stage did not reject, with its place in what the stage was given. */
function accepted<T extends object>(
  results: readonly T[],
): { readonly index: number; readonly value: Exclude<T, Rejection> }[] {
  return results.flatMap((value, index) =>
    isRejection(value) ? [] : [{ index, value: value as Exclude<T, Rejection> }],
  );
}

/** Everything that a face could be aligned by, measured once with the product's own stages. */
import { readFile } from 'node:fs/promises';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { isRejection } from '../../src/shared/face.ts';
import type { FivePoints } from '../../src/worker/models/detector.ts';
import type { LandmarkNetwork } from '../../src/worker/models/frLandmark.ts';
import { openDetector, openLandmarks, openPose } from '../../src/worker/models/openModels.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { fivePoints } from '../../src/worker/stages/alignTransform.ts';
import { decodeImage } from '../../src/worker/stages/decode.ts';
import { type ChosenFace, detectFaces } from '../../src/worker/stages/detect.ts';
import { faceSquare } from '../../src/worker/stages/detectSquare.ts';
import { type LocatedFace, locateLandmarks, refuseInvented } from '../../src/worker/stages/landmarks.ts';
import { measurePoses } from '../../src/worker/stages/pose.ts';
import type { Photograph } from '../photographs.ts';
import { mirrorPixels } from './mirrorPixels.ts';

export interface SeenFace extends Photograph {
  /** As the default detector's chain locates it. */
  readonly located: LocatedFace;
  readonly kept: boolean;
  /** Of the pose meter, degrees. */
  readonly yaw: number;
  /** Five points measured in the mirror image, brought back. */
  readonly mirrored: FivePoints;
  /** Five points measured on the square that the first five points ask for. */
  readonly again: FivePoints;
  /** Five points of other detectors, by name; absent where one finds no face. */
  readonly others: ReadonlyMap<string, FivePoints>;
}

const SESSION = { device: 'cpu', intraOpThreads: 1 } as const;

/** The faces that the default detector finds. */
export async function seeFaces(
  photographs: readonly Photograph[],
  otherDetectors: readonly string[],
): Promise<SeenFace[]> {
  const releasers = createReleasers();
  const modelsWith = async (detector: string) =>
    (await resolvePipelineModels({ detector, recognizer: 'fr-feature' }, console.error)).models;
  try {
    const models = await modelsWith('fr-detect');
    const detector = await releasers.keep('network', openDetector(models.detector, SESSION));
    const landmarks = await releasers.keep('network', openLandmarks(models.landmarks, SESSION));
    const pose = await releasers.keep('network', openPose(models.pose, SESSION));
    const others = [];
    for (const name of otherDetectors) {
      others.push({
        name,
        network: await releasers.keep('network', openDetector((await modelsWith(name)).detector, SESSION)),
      });
    }
    const seen: SeenFace[] = [];
    for (const photograph of photographs) {
      const picture = await decodeImage(await readFile(photograph.path));
      if (isRejection(picture)) continue;
      const chosen = (await detectFaces(detector, [picture]))[0]!;
      if (isRejection(chosen)) continue;
      const located = (await locateLandmarks(landmarks, [chosen]))[0]!;
      const otherFives = new Map<string, FivePoints>();
      for (const { name, network } of others) {
        const found = (await detectFaces(network, [picture]))[0]!;
        if (!isRejection(found) && found.points !== undefined) otherFives.set(name, found.points);
      }
      seen.push({
        ...photograph,
        located,
        kept: refuseInvented(located) === undefined,
        yaw: (await measurePoses(pose, [located]))[0]!.yaw,
        mirrored: await locateMirrored(landmarks, chosen),
        again: await locateAgain(landmarks, located),
        others: otherFives,
      });
    }
    return seen;
  } finally {
    await releasers.release();
  }
}

async function locateMirrored(landmarks: LandmarkNetwork, face: ChosenFace): Promise<FivePoints> {
  const { picture, region } = face;
  const [located] = await locateLandmarks(landmarks, [
    {
      ...face,
      picture: { ...picture, data: mirrorPixels(picture.data, picture.width) },
      region: { ...region, x: picture.width - region.x - region.width },
    },
  ]);
  const five = fivePoints(located!.points68);
  // The mirror image swaps left and right: eyes 0 and 1, mouth corners 3 and 4.
  return Float32Array.from([1, 0, 2, 4, 3].flatMap((p) => [picture.width - five[2 * p]!, five[2 * p + 1]!]));
}

async function locateAgain(landmarks: LandmarkNetwork, face: LocatedFace): Promise<FivePoints> {
  const region = faceSquare({ box: face.region, score: face.score, points: face.five });
  if (region === undefined) return face.five;
  const [located] = await locateLandmarks(landmarks, [{ ...face, region }]);
  return fivePoints(located!.points68);
}

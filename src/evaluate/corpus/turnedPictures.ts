/** Photographs turned by the renderer of the training pairs. The only file of evaluate that knows that renderer. */
import { isRejection } from '../../shared/face.ts';
import { openPoseRenderer, toPpm } from '../../training/renderPose.ts';
import type { Detector } from '../../worker/models/detector.ts';
import type { LandmarkNetwork } from '../../worker/models/frLandmark.ts';
import type { Raster } from '../../worker/models/raster.ts';
import { decodeImage } from '../../worker/stages/decode.ts';
import { detectFaces } from '../../worker/stages/detect.ts';
import { locateLandmarks } from '../../worker/stages/landmarks.ts';

export interface TurnNetworks {
  readonly detector: Detector;
  readonly landmarks: LandmarkNetwork;
}

/** A photograph prepared for turning: answers the bytes of a picture at a yaw in degrees. */
export type Turn = (yaw: number) => Uint8Array;

/** Undefined when no face is found in the photograph. */
export async function openTurn(
  bytes: Uint8Array,
  { detector, landmarks }: TurnNetworks,
): Promise<Turn | undefined> {
  const picture = await decodeImage(bytes);
  if (isRejection(picture)) return undefined;
  const [chosen] = await detectFaces(detector, [picture]);
  if (chosen === undefined || isRejection(chosen)) return undefined;
  const [located] = await locateLandmarks(landmarks, [chosen]);
  if (located === undefined) return undefined;
  const renderer = openPoseRenderer(picture, located.points68);
  return (yaw) => toPpm(renderer.render({ yaw, pitch: 0 }));
}

/** The photograph mirrored left to right; undefined when it cannot be decoded. */
export async function mirrorPicture(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const picture = await decodeImage(bytes);
  return isRejection(picture) ? undefined : toPpm(mirror(picture));
}

function mirror({ width, height, data }: Raster): Raster {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      mirrored.set(data.subarray(from, from + 3), 3 * (y * width + width - 1 - x));
    }
  }
  return { width, height, data: mirrored };
}

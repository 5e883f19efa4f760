/** One face as posecast sees it: crop with landmarks, landmark image, the autoencoder's reconstruction. */
import { CROP_SIZE, type LandmarkImage, type ProcessedFace } from '../shared/face.ts';
import { svgDocument, svgImage, svgText, svgTitle, svgToPng } from './svgToPng.ts';

export interface FacePicture {
  /** The end of a longer one than has room is drawn: of a path, the file. */
  readonly title: string;
  readonly face: ProcessedFace;
  readonly landmarkImage: LandmarkImage;
  /** The decoder's output for the face's posture code, 112×112, 0–1. */
  readonly reconstruction: Float32Array;
  /** Overlap of drawing and reconstruction at 0.5, 0–1. */
  readonly iou: number;
}

const SCALE = 3;
const SIDE = CROP_SIZE * SCALE;
const GAP = 16;
const TOP = 84;
/** Chins reach out of the crop. */
const BELOW = 36;

/** PNG bytes, 3 panels of 336 pixels side by side. */
export async function drawFace(picture: FacePicture): Promise<Buffer> {
  const { face, landmarkImage, reconstruction } = picture;
  const left = (panel: number) => GAP + panel * (SIDE + GAP);
  const square = { width: CROP_SIZE, height: CROP_SIZE };
  const { yaw, pitch, roll } = face.pose;
  const pose = `yaw ${yaw.toFixed(0)}°  pitch ${pitch.toFixed(0)}°  roll ${roll.toFixed(0)}°`;
  const found = `score ${face.detectionScore.toFixed(2)}  faces found ${face.facesFound}`;
  const captions = [
    'aligned crop, 68 landmarks',
    'landmark image',
    `reconstruction, IoU ${picture.iou.toFixed(2)}`,
  ];
  return svgToPng(
    svgDocument(left(3), TOP + SIDE + BELOW, [
      svgTitle(GAP, 24, picture.title, left(3) - 2 * GAP),
      svgText(GAP, 46, `${pose}  ${found}`),
      ...captions.map((caption, panel) => svgText(left(panel), TOP - 10, caption, { fill: '#666' })),
      await svgImage(left(0), TOP, SIDE, { data: face.crop, ...square, channels: 3 }),
      ...landmarkDots(face.landmarks, left(0), TOP),
      await svgImage(left(1), TOP, SIDE, { data: toGrey(landmarkImage), ...square, channels: 1 }),
      await svgImage(left(2), TOP, SIDE, { data: toGrey(reconstruction), ...square, channels: 1 }),
    ]),
  );
}

function landmarkDots(landmarks: Float32Array, x0: number, y0: number): string[] {
  return Array.from({ length: landmarks.length / 2 }, (_, point) => {
    const x = x0 + landmarks[2 * point]! * SCALE;
    const y = y0 + landmarks[2 * point + 1]! * SCALE;
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.4" fill="#3df" stroke="#024" stroke-width="0.8"/>`;
  });
}

function toGrey(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
}

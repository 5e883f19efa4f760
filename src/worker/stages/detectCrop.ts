/**
 * Corpora of aligned crops (MS1MV3, Glint360K): the picture is the crop. Nothing is detected; landmarks and pose are
 * measured on the one square where the default detector would have seen the face.
 */
import { CROP_SIZE, type FaceCrop, type Rejection } from '../../shared/face.ts';
import { type Raster, resample } from '../models/raster.ts';
import type { ChosenFace } from './detect.ts';
import { CROP_SQUARE } from './detectSquare.ts';

/** The face of a crop; a square picture of another size is resized, any other shape is no aligned crop. */
export function faceOfCrop(picture: Raster): ChosenFace | Rejection {
  const { width, height } = picture;
  if (width !== height) {
    return {
      stage: 'align',
      code: 'not-a-crop',
      message: `expected an aligned crop of ${CROP_SIZE}×${CROP_SIZE} pixels, found ${width}×${height}`,
    };
  }
  const crop = width === CROP_SIZE ? new Uint8Array(picture.data) : resized(picture);
  return {
    picture: { width: CROP_SIZE, height: CROP_SIZE, data: crop },
    region: CROP_SQUARE,
    score: 1,
    facesFound: 1,
  };
}

function resized(picture: Raster): FaceCrop {
  const whole = { x: 0, y: 0, width: picture.width, height: picture.height };
  return new Uint8Array(resample(picture, whole, CROP_SIZE, CROP_SIZE).map(Math.round));
}

/**
 * Corpora of aligned crops (MS1MV3, Glint360K): the picture is the crop. Nothing is detected; landmarks and pose are
 * measured on the one square where the default detector would have seen the face.
 */
import { CROP_SIZE, type Rejection } from '../../shared/face.ts';
import type { Raster } from '../models/raster.ts';
import type { ChosenFace } from './detect.ts';
import { CROP_SQUARE } from './detectSquare.ts';

/**
 * The face of a crop. A picture of another size is none: resized it would give an embedding like any other, and the
 * wrong one, be it a whole photograph or a crop that was aligned to something else.
 */
export function faceOfCrop(picture: Raster): ChosenFace | Rejection {
  const { width, height } = picture;
  if (width !== CROP_SIZE || height !== CROP_SIZE) {
    return {
      stage: 'align',
      code: 'not-a-crop',
      message: `expected an aligned crop of ${CROP_SIZE}×${CROP_SIZE} pixels, found ${width}×${height}`,
    };
  }
  return {
    picture: { width, height, data: new Uint8Array(picture.data) },
    region: CROP_SQUARE,
    score: 1,
    facesFound: 1,
  };
}

/** Five points → the aligned 112×112 crop, and the 68 landmarks in it. Only this stage makes a FaceCrop. */
import { CROP_SIZE, type FaceCrop, type Landmarks68, type Rejection } from '../../shared/face.ts';
import { warpSquare } from '../models/pixels.ts';
import { levelFor } from '../models/pyramid.ts';
import type { Raster } from '../models/raster.ts';
import { fitSimilarity, invert, type Similarity, TEMPLATE, transformPoints } from './alignTransform.ts';
import type { LocatedFace } from './landmarks.ts';

export interface AlignedFace {
  readonly crop: FaceCrop;
  readonly landmarks: Landmarks68;
}

/** Aligns one face by its five points; the 68 landmarks go along into the crop. */
export function alignFace({ picture, five, points68 }: LocatedFace): AlignedFace | Rejection {
  const toCrop = fitSimilarity(five, TEMPLATE);
  if (toCrop === undefined) {
    return { stage: 'align', code: 'no-similarity', message: 'the five points of the face coincide' };
  }
  return { crop: warpCrop(picture, toCrop), landmarks: transformPoints(toCrop, points68) };
}

/** The crop of a face whose picture is one already. */
export function cropOf({ picture, points68 }: LocatedFace): AlignedFace {
  return { crop: picture.data, landmarks: points68 };
}

/**
 * Warps a picture into the crop, black outside it. Bilinear; where the picture is finer than the crop, each crop
 * pixel is the mean of as many bilinear samples as it covers picture pixels, so that nothing aliases.
 */
export function warpCrop(picture: Raster, toCrop: Similarity): FaceCrop {
  const { a, b, tx, ty } = invert(toCrop);
  const step = Math.hypot(a, b);
  const { level, scale } = levelFor(picture, step);
  const samples = Math.max(1, Math.ceil(step / scale - 0.25));
  const toLevel = { a: a / scale, b: b / scale, tx: tx / scale - 0.5, ty: ty / scale - 0.5 };
  return warpSquare(level, toLevel, samples, CROP_SIZE);
}

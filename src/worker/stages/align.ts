/** Five points → the aligned 112×112 crop, and the 68 landmarks in it. Only this stage makes a FaceCrop. */
import { CROP_SIZE, type FaceCrop, type Landmarks68, type Rejection } from '../../shared/face.ts';
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
  const share = 1 / (samples * samples);
  const crop = new Uint8Array(CROP_SIZE * CROP_SIZE * 3);
  const rgb = new Float64Array(3);
  for (let v = 0; v < CROP_SIZE; v++) {
    for (let u = 0; u < CROP_SIZE; u++) {
      rgb.fill(0);
      for (let j = 0; j < samples; j++) {
        const cropY = v + (j + 0.5) / samples;
        for (let i = 0; i < samples; i++) {
          const cropX = u + (i + 0.5) / samples;
          const x = (a * cropX - b * cropY + tx) / scale - 0.5;
          const y = (b * cropX + a * cropY + ty) / scale - 0.5;
          addSample(rgb, level, x, y);
        }
      }
      const to = (v * CROP_SIZE + u) * 3;
      crop[to] = rgb[0]! * share + 0.5;
      crop[to + 1] = rgb[1]! * share + 0.5;
      crop[to + 2] = rgb[2]! * share + 0.5;
    }
  }
  return crop;
}

/** Adds the bilinear value at (x, y), counted in pixel centres; black outside. */
function addSample(rgb: Float64Array, picture: Raster, x: number, y: number): void {
  const { width, height, data } = picture;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const below = y - top;
  if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) {
    addEdgeSample(rgb, picture, left, top, right, below);
    return;
  }
  const at = (top * width + left) * 3;
  const under = at + width * 3;
  const w00 = (1 - right) * (1 - below);
  const w01 = right * (1 - below);
  const w10 = (1 - right) * below;
  const w11 = right * below;
  rgb[0]! += w00 * data[at]! + w01 * data[at + 3]! + w10 * data[under]! + w11 * data[under + 3]!;
  rgb[1]! += w00 * data[at + 1]! + w01 * data[at + 4]! + w10 * data[under + 1]! + w11 * data[under + 4]!;
  rgb[2]! += w00 * data[at + 2]! + w01 * data[at + 5]! + w10 * data[under + 2]! + w11 * data[under + 5]!;
}

/** The same where some of the four pixels lie outside the picture. */
function addEdgeSample(
  rgb: Float64Array,
  { width, height, data }: Raster,
  left: number,
  top: number,
  right: number,
  below: number,
): void {
  for (let dy = 0; dy < 2; dy++) {
    const row = top + dy;
    if (row < 0 || row >= height) continue;
    const rowWeight = dy === 0 ? 1 - below : below;
    for (let dx = 0; dx < 2; dx++) {
      const column = left + dx;
      if (column < 0 || column >= width) continue;
      const weight = rowWeight * (dx === 0 ? 1 - right : right);
      const at = (row * width + column) * 3;
      rgb[0]! += weight * data[at]!;
      rgb[1]! += weight * data[at + 1]!;
      rgb[2]! += weight * data[at + 2]!;
    }
  }
}

/** Pictures as pixels. Coordinates are continuous: pixel i covers [i, i+1), 0 is the left/top edge of the picture. */
import type { PictureMemory } from './pictureMemory.ts';

/** RGB picture, 8 bit, interleaved: data.length = width·height·3. Never written to once it is made. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Where its levels go as well (`pyramid.ts`); absent: into memory of their own. */
  readonly memory?: PictureMemory;
}

/** Axis-aligned region in pixels; may reach outside the picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a picture file says of its size before its pixels. */

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Width and height as stored: before the orientation tag. */
export interface ImageHeader extends ImageSize {
  /** A JPEG whose samples, decoded, are the picture: see `jpegHeader.ts`. */
  readonly isPlainJpeg: boolean;
}

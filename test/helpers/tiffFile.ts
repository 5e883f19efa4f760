/** A TIFF as cameras and scanners do not write it: any kind of sample, any number of them a pixel. */

export interface TiffSamples {
  /**
   * Row by row, the samples of a pixel beside each other. Bits of a sample are those of the array unless `bits` says.
   */
  readonly pixels: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Float32Array;
  readonly bits?: number;
  /** 0 and 1: grey, white or black being 0. 2: RGB. 3: palette. 5: inks. 6: YCbCr. 8: CIELAB. */
  readonly photometric: number;
  /** Samples a pixel. */
  readonly bands: number;
  /** 1: unsigned, 2: signed, 3: floating point. */
  readonly sampleFormat?: number;
  /** What the samples beside the colours are; 0: not said, 2: transparency. */
  readonly extra?: readonly number[];
  /** All reds, then all greens, then all blues. */
  readonly palette?: readonly number[];
}

/** An uncompressed little-endian TIFF of one strip. */
export function tiffFile(side: number, samples: TiffSamples): Buffer {
  const { pixels, photometric, bands, sampleFormat = 1, extra = [], palette = [] } = samples;
  const body = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const each = (value: number) => Array.from({ length: bands }, () => value);
  const entries = (bodyAt: number): [number, number[]][] => [
    [256, [side]],
    [257, [side]],
    [258, each(samples.bits ?? pixels.BYTES_PER_ELEMENT * 8)],
    [259, [1]],
    [262, [photometric]],
    [273, [bodyAt]],
    [277, [bands]],
    [278, [side]],
    [279, [body.length]],
    [284, [1]],
    [320, [...palette]],
    [338, [...extra]],
    [339, each(sampleFormat)],
    // As many of both colour differences as there are pixels.
    [530, photometric === 6 ? [1, 1] : []],
  ];
  /** As long whatever `bodyAt` is. */
  const build = (bodyAt: number) => {
    const kept = entries(bodyAt).filter(([, values]) => values.length > 0);
    const directory = Buffer.alloc(2 + kept.length * 12 + 4);
    const beside: Buffer[] = [];
    let at = 8 + directory.length;
    directory.writeUInt16LE(kept.length);
    for (const [i, [tag, values]] of kept.entries()) {
      const isLong = values.some((value) => value > 0xffff) || tag === 273;
      const packed = Buffer.from((isLong ? Uint32Array : Uint16Array).from(values).buffer);
      directory.writeUInt16LE(tag, 2 + i * 12);
      directory.writeUInt16LE(isLong ? 4 : 3, 4 + i * 12);
      directory.writeUInt32LE(values.length, 6 + i * 12);
      if (packed.length <= 4) packed.copy(directory, 10 + i * 12);
      else {
        directory.writeUInt32LE(at, 10 + i * 12);
        beside.push(packed);
        at += packed.length;
      }
    }
    return Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), directory, ...beside]);
  };
  const head = build(0);
  return Buffer.concat([build(head.length), body]);
}

/** The codecs of Parquet pages, none of which writes more bytes than the page says that it holds. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Decompress as ZstdStream } from 'fzstd';
import type { CompressionCodec } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

type Decompressor = (input: Uint8Array, bytes: number) => Uint8Array;

// hyparquet's own Snappy never ends on some damaged pages; the one of hyparquet-compressors does.
const CODECS: Partial<Record<CompressionCodec, Decompressor>> = {
  ...compressors,
  GZIP: (input, bytes) => gunzipSync(input, { maxOutputLength: bytes }),
  BROTLI: (input, bytes) => brotliDecompressSync(input, { maxOutputLength: bytes }),
  ZSTD: unzstd,
};

/** `bytes`: how many there are once decompressed. Throws an Error when there are others, or for a codec not known. */
export function decompress(input: Uint8Array, codec: CompressionCodec, bytes: number): Uint8Array {
  // Of nothing but nulls; hyparquet-compressors refuses the LZ4 block that some writers make of it.
  if (bytes === 0 && codec !== 'UNCOMPRESSED') return new Uint8Array(0);
  const page = codec === 'UNCOMPRESSED' ? input : CODECS[codec]?.(input, bytes);
  if (page === undefined) throw new Error(`page compressed by ${codec}, which is not known`);
  if (page.length === bytes) return page;
  throw new Error(`page of ${bytes} bytes once decompressed, found ${page.length}`);
}

/** Block by block: all at once, fzstd writes whatever a frame holds. */
function unzstd(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  let written = 0;
  const stream = new ZstdStream((block) => {
    if (block.length > bytes - written)
      throw new Error(`page of ${bytes} bytes once decompressed, found more`);
    output.set(block, written);
    written += block.length;
  });
  stream.push(input, true);
  return output.subarray(0, written);
}

/** Writes the Parquet files of a plan. Those that hold results are written by encodeTable. */
import * as parquet from 'parquet-wasm';
import type { ColumnarTable } from './columns.ts';
import { openParquetFile, type ParquetFile } from './parquetFile.ts';

/**
 * A Parquet file (snappy) of a plan: few columns and many rows, of which only some are read again. It is given its row
 * groups one after another; what the first one repeats decides which texts get a dictionary.
 */
export function openPlanFile(rowGroupRows: number): ParquetFile {
  return openParquetFile(new Map(), (first) => {
    let builder = new parquet.WriterPropertiesBuilder()
      .setCompression(parquet.Compression.SNAPPY)
      .setMaxRowGroupSize(rowGroupRows);
    for (const { spec } of first.columns) {
      // Texts that come once, as ids and paths do, make a dictionary useless and numbers that grow do so too.
      builder = builder.setColumnDictionaryEnabled(spec.name, repeats(first, spec.name));
    }
    return builder.build();
  });
}

/** Whether a text column says the same again and again, judged by its first rows. */
function repeats({ rows, columns }: ColumnarTable, name: string): boolean {
  const { offsets, values } = columns.find(({ spec }) => spec.name === name)!;
  if (offsets === undefined) return false;
  const seen = new Set<string>();
  const looked = Math.min(rows, 1_000);
  const text = new TextDecoder();
  for (let row = 0; row < looked; row++)
    seen.add(text.decode(values.subarray(offsets[row], offsets[row + 1])));
  return seen.size * 2 <= looked;
}

/** The corpus formats that are tables. */
import type { RunConfig } from '../config.ts';

export type TableFormat = 'parquet' | 'arrow';

export function isTableFormat(corpusFormat: RunConfig['corpusFormat']): corpusFormat is TableFormat {
  return corpusFormat === 'parquet' || corpusFormat === 'arrow';
}

/** A table file of a corpus, in the format that it is said to have. */
import { openArrowIpcTable } from './arrowIpcTable.ts';
import { openParquetTable } from './parquetTable.ts';
import type { SourceTable, TableBytes } from './sourceTable.ts';
import type { TableFormat } from './tableFormat.ts';

/** Throws an Error when the file is not of the format, or what `file.read` throws. */
export async function openSourceTable(format: TableFormat, file: TableBytes): Promise<SourceTable> {
  switch (format) {
    case 'parquet':
      return openParquetTable(file);
    case 'arrow':
      return openArrowIpcTable(file);
  }
}

/**
 * The lines of a CSV list that its records stand in, as an editor numbers them: csv-parse takes a CRLF in quotes for
 * the ends of two lines, and hands it on as it stands.
 */

/** A record as csv-parse tells it with `info`. */
export interface ParsedRecord {
  readonly record: string[];
  readonly info: { readonly lines: number; readonly empty_lines: number };
}

export interface CsvLines {
  /** The line that a record ends in, counted from 1. Takes every record, in their order. */
  endOf(parsed: ParsedRecord): number;
  /** The line that the record after those begins in, where `emptyLines` of the list were empty so far. */
  nextStart(emptyLines: number): number;
}

export function createCsvLines(): CsvLines {
  let surplus = 0;
  let last = 0;
  let empty = 0;
  return {
    endOf({ record, info }) {
      for (const field of record) {
        if (field.includes('\r\n')) surplus += field.split('\r\n').length - 1;
      }
      last = info.lines - surplus;
      empty = info.empty_lines;
      return last;
    },
    nextStart: (emptyLines) => last + 1 + emptyLines - empty,
  };
}

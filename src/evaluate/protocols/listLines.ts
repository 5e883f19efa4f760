/** Lines of a list file one after another, with an error that names file, line, what was expected and what is there. */
import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { ConfigError } from '../../shared/errors.ts';

export interface ListLine {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** Fields of the line, none empty. */
  readonly fields: readonly string[];
}

/** Characters of a line that are shown in an error. */
const SHOWN = 80;

/**
 * Lines as fields between blanks (or tabs). Memory does not grow with the file. Blank lines are passed over.
 *
 * @throws ConfigError when the file cannot be read.
 */
export async function* listLines(file: string, separator: RegExp = /\s+/): AsyncGenerator<ListLine> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError('no-pair-list', 'list: expected a file that can be read', { file, code }, error);
  }
  const stream = createReadStream(file, 'utf8');
  // An error of the stream would otherwise not reach the loop.
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const text of lines) {
      number++;
      const trimmed = (number === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
      if (trimmed !== '') yield { file, number, fields: trimmed.split(separator) };
    }
    if (stream.errored) await failed;
  } finally {
    lines.close();
    stream.destroy();
  }
}

/** The problem of a line. */
export function badLine(line: Omit<ListLine, 'fields'>, expected: string, found: string): ConfigError {
  const shown = found.length > SHOWN ? `${found.slice(0, SHOWN)}…` : found;
  return new ConfigError('bad-pair-list', `list: expected ${expected}, found ${JSON.stringify(shown)}`, {
    file: line.file,
    line: line.number,
  });
}

/** A whole number of at least `least`, or the error of the line. */
export function wholeNumber(line: ListLine, text: string, what: string, least: number): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least)) throw badLine(line, `${what} (a whole number from ${least})`, text);
  return value;
}

/** Exactly this many fields, or the error of the line. */
export function requireFields(line: ListLine, count: number, form: string): void {
  if (line.fields.length !== count) throw badLine(line, form, line.fields.join(' '));
}

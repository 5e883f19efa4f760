/** The lines of a text file that is read by range: of any size, 1 MiB in memory at a time. */
import type { ArchiveBytes } from './archiveFile.ts';

const CHUNK_BYTES = 2 ** 20;

/** Characters of a line that are taken; what is longer is cut there, and no parser will accept it. */
const MAX_LINE = 64 * 1024;

/** Lines without their ends, numbered from 1; the last one may lack its end, and empty ones are left out. */
export async function* fileLines(
  file: ArchiveBytes,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: false });
  let line = 0;
  let rest = '';
  for (let at = 0; at < file.bytes; at += CHUNK_BYTES) {
    const chunk = await file.read(at, Math.min(file.bytes, at + CHUNK_BYTES));
    const text = rest + decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      line++;
      const found = text.slice(start, text[end - 1] === '\r' ? end - 1 : end);
      start = end + 1;
      if (found !== '') yield { line, text: found };
    }
    rest = text.slice(start, start + MAX_LINE);
  }
  rest += decoder.decode();
  if (rest !== '') yield { line: line + 1, text: rest };
}

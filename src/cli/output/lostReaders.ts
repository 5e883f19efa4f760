/**
 * Standard streams whose reader goes away (`| head`, a log collector that dies, a terminal that is closed), or whose
 * disk is full. That is no failure of the command's, which goes on.
 */
import { processLog } from './log.ts';

const lost = new Set<NodeJS.WriteStream>();

/** From now on a write that nobody can read fails without a word, but for the disk; every other failure is thrown. */
export function surviveLostReaders(): void {
  const { stdout, stderr } = process;
  for (const [stream, other, name] of [
    [stdout, stderr, 'output'],
    [stderr, stdout, 'error'],
  ] as const) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
      if (!isFull && !isReaderGone(stream, error)) throw error;
      const isFirst = !lost.has(stream);
      lost.add(stream);
      if (isFull && isFirst && !lost.has(other)) {
        sayFull(other, `standard ${name} cannot be written: the disk is full`);
      }
    });
  }
}

function sayFull(stream: NodeJS.WriteStream, line: string): void {
  const log = processLog();
  if (stream === process.stdout) {
    // A program reads a result there, and nothing else.
    if (log === undefined && !process.argv.includes('--json')) stream.write(`${line}\n`);
  } else if (log !== undefined) log('note', line, { level: 'warn' });
  else stream.write(`${line}\n`);
}

/** Whether a write has shown that the stream's reader is gone, or its disk full. */
export function hasLostReader(stream: NodeJS.WriteStream): boolean {
  return lost.has(stream);
}

/** A terminal that is gone fails as a disk does, with EIO. */
function isReaderGone(stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || (code === 'EIO' && stream.isTTY);
}

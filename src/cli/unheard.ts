/**
 * Standard streams whose reader goes away: `| head`, a log collector that dies, a terminal that is closed. That is no
 * failure of the command's, which goes on unheard.
 */
const unheard = new Set<NodeJS.WriteStream>();

/** From now on a write that nobody can read fails without a word; every other failure of a stream is thrown. */
export function goOnUnheard(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!hasLostItsReader(stream, error)) throw error;
      unheard.add(stream);
    });
  }
}

/** Whether a write has shown that the stream's reader is gone. */
export function isUnheard(stream: NodeJS.WriteStream): boolean {
  return unheard.has(stream);
}

/** A terminal that is gone fails as a disk does, with EIO. */
function hasLostItsReader(stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || (code === 'EIO' && stream.isTTY);
}

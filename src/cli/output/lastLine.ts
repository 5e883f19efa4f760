/** The last line of a terminal, written again and again while something goes on. */

/** Whether a line can be rewritten there: a terminal that calls itself dumb, as some editors have, shows the codes. */
export function isTerminal(out: NodeJS.WriteStream): boolean {
  return out.isTTY === true && process.env.TERM !== 'dumb';
}

/** Where a terminal does not say its width, such as a serial line: a longer line would wrap, and be left behind. */
const USUAL_COLUMNS = 80;

export interface LastLine {
  /** Shows a text in place of the one before, cut to the width of the terminal. */
  rewrite(text: string): void;
  /** Writes a line of its own before it. */
  above(line: string): void;
  clear(): void;
  /** What is shown stays, and whatever comes begins on a line of its own. */
  leave(): void;
}

export function openLastLine(out: NodeJS.WriteStream): LastLine {
  let shown = '';
  return {
    rewrite(text) {
      const width = out.columns > 0 ? out.columns : USUAL_COLUMNS;
      shown = text.length < width ? text : `${text.slice(0, Math.max(0, width - 2))}…`;
      out.write(`\r\x1b[2K${shown}`);
    },
    above(line) {
      out.write(`\r\x1b[2K${line}\n${shown}`);
    },
    clear() {
      if (shown !== '') out.write('\r\x1b[2K');
      shown = '';
    },
    leave() {
      if (shown !== '') out.write('\n');
      shown = '';
    },
  };
}

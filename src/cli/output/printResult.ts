/** The result of a command, on standard output: text for a person, with --json the event on one line. */
export function printResult(flags: { readonly json?: boolean }, event: object, text: string): void {
  process.stdout.write(`${flags.json ? JSON.stringify(event) : text}\n`);
}

/**
 * The log as JSON, one object a line, by pino: `level` as a word, `time` in ISO 8601, `event`, `message`, and the
 * fields of the line. Written as it comes, without threads or buffers: what was said before a crash is there.
 */
import { pino } from 'pino';
import type { LogFields, LogLevel } from '../../shared/text/logFields.ts';
import { printable } from '../../shared/text/printable.ts';

export type JsonLog = (
  event: string,
  message: string | undefined,
  fields: LogFields & { level?: LogLevel },
) => void;

export interface LogStream {
  write(text: string): unknown;
}

export function openJsonLog(out: LogStream, level: LogLevel): JsonLog {
  const logger = pino(
    {
      level,
      messageKey: 'message',
      // Host and process are in every log collector's own fields, but a worker is told apart by them.
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void out.write(line) },
  );
  return (event, message, { level: at = 'info', ...fields }) => {
    const shown = { event, ...withoutSecretsIn(fields) };
    if (message === undefined) logger[at](shown);
    else logger[at](shown, '%s', printable(message));
  };
}

function withoutSecretsIn(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? printable(value) : value,
    ]),
  );
}

/** What a line for a person also tells a machine that reads the log. */
import type { Stage } from '../face.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogFields {
  /** Default: info. */
  readonly level?: LogLevel;
  /** What kind of line it is; default: note. */
  readonly event?: string;
  /** Which run; added by whoever works on one. */
  readonly run?: string;
  readonly shard?: number;
  /** Where a photograph stopped. */
  readonly stage?: Stage;
  /** The fixed word of an error or a rejection. */
  readonly code?: string;
  readonly [name: string]: string | number | boolean | undefined;
}

/** Says a line; without fields it is an ordinary one. */
export type Say = (line: string, fields?: LogFields) => void;

/** Says warnings, where nothing else is said of the level. */
export function warnings(say: Say): Say {
  return (line, fields) => say(line, { level: 'warn', ...fields });
}

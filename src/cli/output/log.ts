/** Options about what is said while a command works, and where it goes: text for people, JSON for machines. */
import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel, type Say } from '../../shared/text/logFields.ts';
import { printable } from '../../shared/text/printable.ts';
import type { JsonLog } from './jsonLog.ts';
import { isTerminal } from './lastLine.ts';
import { isShown, type LiveLine, type LiveMode, openLiveLine } from './liveLine.ts';

export interface LogFlags {
  readonly json: boolean;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
}

export interface Log {
  /** For what belongs to no run. */
  readonly say: Say;
  /** `device`: where the models run. */
  live(device: string): LiveLine;
}

export function addLogOptions(command: Command): Command {
  return command
    .optionsGroup('Observability:')
    .addOption(
      new Option(
        '--log-format <format>',
        'what goes to standard error: text with a live line, or json: one object a line with level, time, run, ' +
          'shard, stage and code',
      )
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new Option('--log-level <level>', 'debug adds every shard and every rejected photograph')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .optionsGroup('Options:');
}

let ofProcess: JsonLog | undefined;

/** The log that this process writes as JSON, once a command has opened one: its last error belongs there. */
export function processLog(): JsonLog | undefined {
  return ofProcess;
}

/** `--json` is for programs that follow a command, and implies JSON on standard error. */
export async function openLog({ json, logFormat, logLevel }: LogFlags): Promise<Log> {
  const out = process.stderr;
  if (json || logFormat === 'json') {
    const { openJsonLog } = await import('./jsonLog.ts');
    const log = openJsonLog(out, logLevel);
    ofProcess = log;
    const mode: LiveMode = { json: log, progress: json ? 'always' : 'sometimes' };
    return {
      say: (line, fields = {}) => log('note', line, fields),
      live: (device) => openLiveLine({ mode, device }),
    };
  }
  return {
    say: (line, fields = {}) => {
      if (isShown(fields, logLevel)) out.write(`${printable(line)}\n`);
    },
    live: (device) => openLiveLine({ mode: isTerminal(out) ? 'terminal' : 'plain', device, level: logLevel }),
  };
}

/** The command line. A command's code is loaded when it is called, so that `--help` is instant. */
import '../shared/noTelemetry.ts';
import { Command, CommanderError } from 'commander';
import { ConfigError, describeError, PosecastError } from '../shared/errors.ts';
import { version } from '../shared/package.ts';
import { isRefusal } from '../shared/redis/redisRefusal.ts';
import { printable } from '../shared/text/printable.ts';
import { keepSecret, withoutSecrets } from '../shared/text/secrets.ts';
import { EXIT, exitCodeOfError } from './exit.ts';
import { processLog } from './output/log.ts';
import { surviveLostReaders } from './output/lostReaders.ts';
import { outliveTerminal } from './signals.ts';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const COMMANDS: Record<string, CommandEntry> = {
  run: {
    summary: 'expand a corpus on this machine, from photographs to a committed table',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  submit: {
    summary: 'plan a run and queue its shards for workers anywhere',
    load: async () => (await import('./submit.ts')).submitCommand(),
  },
  work: {
    summary: 'process queued shards on this machine',
    load: async () => (await import('./work.ts')).workCommand(),
  },
  status: {
    summary: 'show how far a run is',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  dashboard: {
    summary: 'show runs in a browser: progress, rejects, poses, people',
    load: async () => (await import('./dashboard.ts')).dashboardCommand(),
  },
  pause: {
    summary: 'hold a run on all machines',
    load: async () => (await import('./pause.ts')).pauseCommand(),
  },
  resume: {
    summary: 'let a paused run go on',
    load: async () => (await import('./pause.ts')).resumeCommand(),
  },
  'retry-failed': {
    summary: 'retry failed shards, as a new generation',
    load: async () => (await import('./retryFailed.ts')).retryFailedCommand(),
  },
  forget: {
    summary: "take a run off Redis's list, such as one whose OUT was deleted",
    load: async () => (await import('./forget.ts')).forgetCommand(),
  },
  verify: {
    summary: 're-read a finished run and check every promise it makes',
    load: async () => (await import('./verify.ts')).verifyCommand(),
  },
  train: {
    summary: 'train a FRA model for a recogniser from a corpus of photographs',
    load: async () => (await import('./train.ts')).trainCommand(),
  },
  evaluate: {
    summary: 'measure whether variants help, on people that no model has seen',
    load: async () => (await import('./evaluate.ts')).evaluateCommand(),
  },
  models: {
    summary: 'fetch, list and check model weights',
    load: async () => (await import('./models.ts')).modelsCommand(),
  },
  inspect: {
    summary: 'draw what posecast sees: landmarks, reconstruction, pose coverage',
    load: async () => (await import('./inspect.ts')).inspectCommand(),
  },
  exporter: {
    summary: 'serve how much work is queued, for Prometheus and for scaling workers',
    load: async () => (await import('./exporter.ts')).exporterCommand(),
  },
  devices: {
    summary: 'show where networks can run on this machine',
    load: async () => (await import('./devices.ts')).devicesCommand(),
  },
  bench: {
    summary: 'measure this machine: each model alone, and end to end',
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
};

const EPILOGUE = `
Start here:
  posecast run samples/london out/sample      photographs in, embedding table out
  posecast verify out/sample                  check it
  posecast run --help                         every option with its default

Exit codes:
  0    done
  1    done, with failures that the output names (failed shards, verification problems, a full disk)
  2    the request cannot be carried out as given; nothing was written
  3    the deadline came first (--deadline); the same command resumes
  130  interrupted (Ctrl-C, SIGTERM, a lost terminal); the same command resumes. A worker ended by SIGTERM exits with 0
`;

/** Runs one command line and returns its exit code. Never throws. */
export async function main(given: readonly string[]): Promise<number> {
  const argv = withoutHelpCommand(given);
  surviveLostReaders();
  outliveTerminal();
  const { AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  keepSecret(AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN);
  // Node would print every field of the error; those of a Redis client's hold the password.
  process.on('uncaughtException', (error) => process.exit(report(error)));
  try {
    const entry = commandOf(argv);
    const program = entry === undefined ? overview() : (await entry.load()).name(`posecast ${argv[0]}`);
    for (const command of [program, ...program.commands]) {
      command.exitOverride();
      // It repeats what was typed.
      command.configureOutput({ writeErr: (text) => process.stderr.write(withoutSecrets(text)) });
    }
    await program.parseAsync(entry === undefined ? argv : argv.slice(1), { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok;
  } catch (error) {
    return report(error);
  }
}

function commandOf([name = '']: readonly string[]): CommandEntry | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

/** `help run` → `run --help`. */
function withoutHelpCommand(argv: readonly string[]): readonly string[] {
  const [first, ...about] = argv;
  if (first !== 'help') return argv;
  // An unknown command is refused like one that is called.
  return about.length > 0 && commandOf(about) === undefined ? about : [...about, '--help'];
}

function overview(): Command {
  const program = new Command('posecast')
    .description('Expands a face-recognition corpus in embedding space.')
    .version(version)
    .usage('COMMAND [ARGUMENTS] [OPTIONS]')
    .addHelpText('after', EPILOGUE)
    .action((_options, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        throw new ConfigError(
          'unknown-command',
          `expected a command (${Object.keys(COMMANDS).join(', ')}), found "${unknown}"`,
        );
      }
      command.outputHelp();
    })
    .allowExcessArguments();
  for (const [name, { summary }] of Object.entries(COMMANDS)) program.command(name).summary(summary);
  return program;
}

/** A producer's image lacks what only workers need, and says so when it is asked to do a worker's work. */
function missingPackage(error: unknown): ConfigError | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND')
    return undefined;
  const [, name] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  if (name === undefined) return undefined;
  return new ConfigError('no-package', 'this installation lacks a package that the command needs', {
    package: name,
  });
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.badRequest;
  const error = missingPackage(thrown) ?? thrown;
  const refusedByRedis: boolean = isRefusal(error);
  const message = `posecast: ${refusedByRedis ? 'redis refuses: ' : ''}${describeError(error)}`;
  // What the disk, the network or Redis says is no bug: the message has it all.
  const isSystemError = error instanceof Error && ('syscall' in error || refusedByRedis);
  const isBug = error instanceof Error && !(error instanceof PosecastError) && !isSystemError;
  const log = processLog();
  if (log !== undefined) {
    const code = error instanceof PosecastError ? error.code : 'error';
    log('error', message, { level: 'error', code, ...(isBug && { stack: error.stack }) });
    return exitCodeOfError(error);
  }
  process.stderr.write(`${message}\n`);
  if (isBug) for (const line of (error.stack ?? '').split('\n')) process.stderr.write(`${printable(line)}\n`);
  return exitCodeOfError(error);
}

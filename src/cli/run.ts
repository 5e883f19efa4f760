/** `posecast run CORPUS OUT`: plan, queue, work and finish on this machine. */
import { Command } from 'commander';
import type { RunFile } from '../shared/run/runFile.ts';
import { openStore } from '../shared/store/openStore.ts';
import { warnings } from '../shared/text/logFields.ts';
import type { StandIns } from '../worker/measure/standIns.ts';
import { refusePastDeadline } from './deadline.ts';
import { dryRun } from './dryRun/dryRun.ts';
import { runOnFinish } from './onFinish.ts';
import { type AppendFlag, addAppendOption } from './options/appendOption.ts';
import { addComputeOptions, type ComputeFlags, computeOptions } from './options/computeOptions.ts';
import { addControlOptions, type ControlFlags } from './options/controlOptions.ts';
import { CORPUS_KINDS } from './options/corpusPlace.ts';
import { addDryRunOptions, type DryRunFlags, refuseRate, refuseUseless } from './options/dryRunOptions.ts';
import { addObserveOptions, type ObserveFlags, openObservation } from './options/observeOptions.ts';
import { someText } from './options/optionValues.ts';
import { withProfileStore } from './options/profileStore.ts';
import { type RedisFlag, redisUrlOf } from './options/redisUrl.ts';
import { addRunOptions, type RunFlags, runConfigFromOptions } from './options/runOptions.ts';
import {
  addCorpusStoreOptions,
  addStoreOptions,
  type CorpusStoreFlags,
  s3Options,
} from './options/storeOptions.ts';
import { refuseUselessStores } from './options/uselessStores.ts';
import { resumeCommandLine, shownCommandLine } from './output/commandLine.ts';
import { addLogOptions, type Log, type LogFlags, openLog } from './output/log.ts';
import {
  earlyFacts,
  earlyOutcome,
  errorFacts,
  exitCodeOf,
  formatEarlyOutcome,
  runFacts,
  sayFailures,
} from './output/runOutcome.ts';
import { formatSummary, summaryFacts } from './output/summary.ts';
import { runCorpus } from './runCorpus.ts';
import { holdSignals } from './signals.ts';
import { stoppable } from './stoppable.ts';

interface Flags
  extends RunFlags,
    AppendFlag,
    ComputeFlags,
    ControlFlags,
    DryRunFlags,
    CorpusStoreFlags,
    LogFlags,
    ObserveFlags,
    RedisFlag {
  readonly onFinish?: string;
}

/** @param standIns for parts of the worker: of `posecast bench`, which throws OUT away. */
export function runCommand(standIns?: StandIns): Command {
  const command = new Command('run')
    .description(
      'Expands a corpus on this machine: photographs of people in, a committed table of real and generated ' +
        'embeddings out. The same command again resumes an interrupted run.',
    )
    .argument('<CORPUS>', `${CORPUS_KINDS}; a list has the columns face_id,subject_id,path`)
    .argument('<OUT>', 'where the run goes: a folder, or s3://bucket/prefix');
  addRunOptions(command);
  addAppendOption(command);
  addComputeOptions(command);
  addCorpusStoreOptions(addStoreOptions(command));
  addControlOptions(command);
  addDryRunOptions(command);
  addLogOptions(addObserveOptions(command));
  return command
    .option(
      '--redis <url>',
      'queue shards on this Redis, so that other machines can join (default: REDIS_URL, else a Redis of its own)',
    )
    .optionsGroup('When to stop:')
    .option(
      '--on-finish <command>',
      'run this with sh at the end, however the run ended; the summary is JSON on its standard input',
      someText,
    )
    .optionsGroup('Options:')
    .option('--json', 'one JSON object a line instead of text', false)
    .addHelpText('after', EXAMPLES)
    .action((corpus: string, out: string, flags: Flags) => run(corpus, out, flags, command, standIns));
}

const EXAMPLES = `
Examples:
  posecast run samples/london out/sample
  posecast run faces.csv s3://bucket/night-1 --image-root /data/faces --variants 20
  posecast run '/data/train-{000000..000123}.tar' out/train --subject-from json:identity
  posecast run s3://faces/photos s3://bucket/night-1 --corpus-s3-profile archive
  posecast run /data/ms1mv3-crops out/ms1mv3 --aligned --shard-faces 2048
  posecast run photos out/mtcnn --detector mtcnn --recognizer mobilefacenet-192
  posecast run /data/faces s3://bucket/night-1 --dry-run
  posecast run /data/faces s3://bucket/faces --append       each night: only what was added
  posecast run /data/scraped out/scraped --deadline 07:00 --max-failure-rate 0.2
  posecast run /data/faces out/night --on-finish 'curl -sd @- https://example.org/hooks/posecast'
  posecast run /data/faces out/night --on-finish 'jq -e ".event == \\"complete\\"" && ./retrain.sh out/night'

A run that ends before it is complete says how many shards are left and how to go on; what is committed stays.

--on-finish: one JSON object on standard input, and in the file that $POSECAST_SUMMARY names. "event" is complete,
failed (shards), too-many-rejects, store-unusable (OUT takes nothing more, or the corpus cannot be read), thread-died, deadline,
interrupted, refused (nothing was written) or error; with it "exitCode", "out", "seconds" and, once the run is known, "runId" and "shards": {"done", "total"}.
A complete run adds "totals", "rejectsByCode", "table", "recognizer", "fra", "generations" (what was appended or
retried), "device", "peakMemory" (bytes) and, unless nothing was left to do, "workSeconds" (of "seconds", without the
set-up) and "longestBlockMs" (for how long the thread that renews locks was kept busy, at most); other ends add "message"
or what they are about, and "goOn", the command that goes on. A command line that cannot be read (an argument that is
missing, a word where a number belongs) calls nothing: it is the exit code 2 alone. The command's own output goes to
standard error. It is ended after 10 minutes; its failure is reported and
changes neither the run nor the exit code.

Exit codes: 0 complete, 1 failed shards, too many rejected photographs, an OUT that takes nothing more or a thread that
died, 2 cannot be done as asked and nothing was written, 3 the deadline came first, 130 interrupted. After 1, 3 and 130 the same command goes on.
`;

async function run(
  corpus: string,
  out: string,
  flags: Flags,
  command: Command,
  standIns: StandIns | undefined,
): Promise<void> {
  const log = await openLog(flags);
  if (flags.dryRun) {
    refuseUseless(command);
    refuseUselessStores(corpus, out, flags);
    const config = await runConfigFromOptions(corpus, flags);
    return dryRun(config, out, await computeOptions(flags), flags);
  }
  const startedAt = performance.now();
  const known: Record<string, unknown> = { out };
  let facts: Facts = known;
  let release = () => {};
  // From here on the hook is told, and a signal that comes when the run no longer listens does not keep it from that.
  const onListening = () => {
    if (flags.onFinish !== undefined) release = holdSignals();
  };
  try {
    refuseRate(flags);
    refuseUselessStores(corpus, out, flags);
    refusePastDeadline(flags.deadline, new Date());
    facts = await carryOut(corpus, out, flags, { startedAt, log, known, standIns, onListening });
  } catch (error) {
    facts = {
      ...errorFacts(error),
      ...known,
      seconds: secondsSince(startedAt),
      goOn: shownCommandLine(process.argv.slice(2)),
    };
    throw error;
  } finally {
    if (flags.onFinish !== undefined) {
      await runOnFinish(flags.onFinish, facts, { say: warnings(log.say) });
    }
    release();
  }
}

/** How the run ended, for machines. */
type Facts = Readonly<Record<string, unknown>>;

interface Carrying {
  readonly startedAt: number;
  readonly log: Log;
  /** Receives what can be said of a run that is broken off by an error. */
  readonly known: Record<string, unknown>;
  readonly standIns: StandIns | undefined;
  /** Called as soon as signals stop the run and not the process. */
  readonly onListening: () => void;
}

async function carryOut(
  corpus: string,
  out: string,
  flags: Flags,
  { startedAt, log, known, standIns, onListening }: Carrying,
): Promise<Facts> {
  const compute = { ...(await computeOptions(flags)), ...(standIns && { standIns }) };
  const device = `${compute.device}, ${compute.threads} threads`;
  const live = log.live(device);
  const { note } = live;
  const report = (facts: Facts, text: string): Facts => {
    process.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : text);
    return facts;
  };
  let planned: RunFile | undefined;
  const stopping = {
    stopped: 'stopped; the same command resumes',
    onStop: (name: string) => note(`${name}: handing shards back; once more to end at once`),
    onError: live.finish,
  };
  return stoppable(stopping, async (signal, releasers) => {
    onListening();
    const config = await runConfigFromOptions(corpus, flags);
    const service = 'posecast-run';
    const observation = await openObservation({ flags, compute, service, say: note, releasers });
    const onWarning = warnings(note);
    const store = await openStore(out, { onWarning, s3: s3Options(flags), ...observation.store });
    releasers.push('store', () => store.close());
    try {
      const { run, end } = await runCorpus(config, {
        store,
        s3: s3Options(flags),
        compute,
        control: flags,
        resumeCommand: resumeCommandLine(store.uri, flags),
        append: flags.append === true,
        redisUrl: redisUrlOf(flags),
        live,
        observation,
        signal,
        releasers,
        onPlanned: (run) => {
          planned = run;
          live.about({ run: run.runId });
        },
      });
      if (end.status === 'complete') {
        const { status: _, ...complete } = end;
        const summary = {
          ...complete,
          runId: run.runId,
          out: store.uri,
          device,
          seconds: secondsSince(startedAt),
          // Kilobytes, whatever the platform.
          peakMemory: process.resourceUsage().maxRSS * 1024,
        };
        const reachedBy = await withProfileStore(store.uri, flags);
        return report(summaryFacts(summary), formatSummary(summary, reachedBy));
      }
      if (end.status === 'failed') sayFailures(end.failures, note);
      const outcome = await earlyOutcome(end, run, store, startedAt);
      process.exitCode = exitCodeOf(end);
      return report(earlyFacts(outcome), formatEarlyOutcome(outcome));
    } catch (error) {
      if (planned !== undefined) Object.assign(known, await runFacts(planned, store));
      throw error;
    }
  });
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}

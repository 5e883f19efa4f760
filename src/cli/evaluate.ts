/** `posecast evaluate`: whether generated embeddings help, on people and poses that no model has seen. */
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { evaluate, workFolder } from '../evaluate/evaluate.ts';
import { TASKS, type Task } from '../evaluate/metrics.ts';
import { PROTOCOLS, type ProtocolName } from '../evaluate/protocols/protocolResult.ts';
import { renderReport } from '../evaluate/report/report.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import type { EvaluationSettings } from '../evaluate/settings.ts';
import { formatResult } from '../evaluate/table.ts';
import { openAskedFraModel } from '../fra/fraModel.ts';
import { DEFAULT_DETECTOR } from '../shared/config.ts';
import { writeWhole } from '../shared/files/writeWhole.ts';
import { usableCores } from '../shared/machine/cores.ts';
import {
  DEFAULT_RECOGNIZERS,
  type EvaluatedFlags,
  openCorpora,
  openPairs,
  openRecognizers,
  POSE_SOURCES,
  type RecognizerFlags,
} from './evaluationInputs.ts';
import { openEvaluationReporter } from './evaluationReporter.ts';
import { refuseTooManyThreads } from './options/computeOptions.ts';
import { addCorpusOptions } from './options/corpusOptions.ts';
import { CORPUS_KINDS } from './options/corpusPlace.ts';
import {
  collect,
  degrees,
  folds,
  positiveInteger,
  seed,
  someText,
  threads,
  wordsOf,
} from './options/optionValues.ts';
import { refuseUnusedOptions } from './options/refuseUnusedOptions.ts';
import {
  addOnlyCorpusStoreOptions,
  corpusS3Options,
  type OnlyCorpusStoreFlags,
} from './options/storeOptions.ts';
import { entriesOfOut, makeOut } from './outFolder.ts';
import { shownCommandLine } from './output/commandLine.ts';
import { printResult } from './output/printResult.ts';
import { stoppable } from './stoppable.ts';

const EPILOGUE = `
Examples:
  posecast evaluate test-people --distractors other-people --fra models/fra/mine \\
    --pairs models/fra/mine/work/samples.arrow --out evaluation
  posecast evaluate s3://faces/test.tar --distractors 'others-{00..31}.tar' --subject-from cls --out evaluation

CORPUS and --distractors are whatever \`posecast run\` takes (docs/corpus-formats.md). --subject-from, the columns of tables
and the S3 options hold for both, where they have archives, tables or S3; --corpus-format and --image-root are about
CORPUS alone.

How it is measured:
  People are divided into folds. What learns from pairs learns from the training folds only, and test people are
  identified among everybody, distractors included. Each person is enrolled with the most frontal photographs plus
  --variants generated embeddings, and tested with the most turned photographs. Poses come from the pose meter.
  Every row sees the same photographs, folds and number of variants. Intervals are 95 % bootstrap intervals over people;
  differences to the row "none" are paired by person.

Rows:
  none, duplicate, jitter, mixup     nothing is learned
  mirror, render                     the photograph is changed and goes through the recogniser again
  mean offset, covariance, WCCN,     learned from real pairs of the training folds, and from --pairs
    ridge map, DREAM-style MLP
  middle of …, by turns …            two of these together
  FRA …                              each model, with postures at random, and with the posture taken away
  … LEAKED pairs                     wrong on purpose: test people are in the training pairs
  oracle                             the person's own turned photographs in place of variants

A model whose training people are in CORPUS or --distractors is refused: by name, by photograph, by look-alike crop.
Somebody of CORPUS who is among the distractors too, under whatever name, is refused where both have one photograph,
unless one of the two is left out for too few photographs.
`;

interface EvaluateFlags extends EvaluatedFlags, RecognizerFlags, OnlyCorpusStoreFlags {
  readonly out: string;
  readonly fra: readonly string[];
  readonly pairs: readonly string[];
  readonly folds: number;
  readonly seeds: number;
  readonly seed: number;
  readonly enrol: number;
  readonly variants: number;
  readonly probes: number;
  readonly minYaw?: number;
  readonly tasks: readonly Task[];
  readonly shuffleLabels?: true;
  readonly allowLeakage?: true;
  readonly subjectPrefix: string;
  readonly protocol?: ProtocolName;
  readonly pairsFile: readonly string[];
  readonly kdefSamples: number;
  readonly threads: number;
  readonly json?: true;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('Measures whether variants help, person-disjoint, against every simple rival.')
    .argument('<CORPUS>', `people to be tested, each frontal and turned: ${CORPUS_KINDS}`, someText);
  command.requiredOption('--out <folder>', 'where report and evaluation.json are written', someText);
  return addOnlyCorpusStoreOptions(addCorpusOptions(command))
    .optionsGroup('What is compared:')
    .option('--fra <name>', 'FRA model: a shipped name or a folder; may be repeated', collect, [])
    .addOption(
      new Option('--recognizer <name>', 'recogniser; may be repeated')
        .argParser(collect)
        .default([], `those of the FRA models, and ${DEFAULT_RECOGNIZERS.join(' and ')}`),
    )
    .option(
      '--distractors <corpus>',
      'a corpus of any kind with further people, who are classes but are not tested',
      someText,
    )
    .option(
      '--pairs <file>',
      'samples.arrow of a training (OUT/work/samples.arrow), for the rivals; [recogniser=]file; may be repeated, one per recogniser',
      collect,
      [],
    )
    .option('--detector <name>', 'fr-detect, mtcnn or yunet', DEFAULT_DETECTOR)
    .addOption(
      new Option('--poses <source>', 'where yaw and names of people in CORPUS come from')
        .choices(POSE_SOURCES)
        .default('meter'),
    )
    .optionsGroup('How it is measured:')
    .option('--folds <n>', 'parts that the people are divided into', folds, 4)
    .option('--seeds <n>', 'times that they are divided, each time differently', positiveInteger, 3)
    .option(
      '--seed <n>',
      'seed of how people are divided, of the resamples and of --shuffle-labels; with --protocol of its samples and noise too',
      seed,
      0,
    )
    .option('--enrol <n>', 'enrolment photographs per person', positiveInteger, 3)
    .option('--variants <n>', 'variants per person', positiveInteger, 10)
    .option(
      '--probes <n>',
      'how many of the most turned photographs of each person are probes',
      positiveInteger,
      10,
    )
    .option('--min-yaw <degrees>', 'take all photographs turned at least this far as probes instead', degrees)
    .option(
      '--tasks <names>',
      `of ${TASKS.join(', ')}, with commas; identification by the nearest class mean is always measured: the verdict rests on it`,
      wordsOf(TASKS),
      [...TASKS],
    )
    .optionsGroup('Honesty:')
    .option('--shuffle-labels', 'shuffle the names among the photographs: no gain may remain')
    .option(
      '--subject-prefix <text>',
      'prefix of names when they are compared with those of training people',
      '',
    )
    .option('--allow-leakage', 'go on although training people are evaluated; every page says so')
    .optionsGroup('A published protocol on your own copy of its set (docs/protocols.md):')
    .addOption(
      new Option('--protocol <name>', 'measure this instead; CORPUS is the folder of the set').choices(
        PROTOCOLS,
      ),
    )
    .option(
      '--pairs-file <path>',
      'list of pairs; the folder Protocol for cfp; photographs, then pairs, for ijb',
      collect,
      [],
    )
    .option('--kdef-samples <n>', 'samples of kdef-published, at most', positiveInteger, 3000)
    .optionsGroup('Options:')
    .addOption(
      new Option('--threads <n>', 'rows measured at the same time')
        .argParser(threads)
        .default(usableCores(), 'one per core'),
    )
    .option('--json', 'one JSON object on standard output instead of the table')
    .addHelpText('after', EPILOGUE)
    .action(run);
}

async function run(corpus: string, flags: EvaluateFlags, parsed: Command): Promise<void> {
  const reporter = openEvaluationReporter();
  const kept =
    flags.protocol === undefined ? 'embeddings that were finished are kept' : 'of a protocol nothing is kept';
  const stopping = {
    stopped: `evaluation stopped; ${kept} [out=${flags.out}]`,
    onStop: (name: string) => process.stderr.write(`\n${name}: stopping after this step\n`),
    onError: reporter.clear,
  };
  await stoppable(stopping, async (signal, releasers) => {
    const hooks = { ...reporter, signal };
    refuseUnusedOptions(parsed, corpus, flags.protocol);
    refuseTooManyThreads(flags.threads, 'cpu');
    const out = resolve(flags.out);
    await entriesOfOut(out);
    const command = shownCommandLine(process.argv.slice(2));
    if (flags.protocol !== undefined) {
      const { evaluateProtocol } = await import('./evaluateProtocol.ts');
      const asked = { ...flags, protocol: flags.protocol };
      const { result, files, text } = await evaluateProtocol(corpus, asked, command, hooks);
      await makeOut(out);
      for (const [name, content] of Object.entries(files)) await writeWhole(join(out, name), content);
      reporter.clear();
      printResult(flags, result, text);
      return;
    }
    const corpora = await openCorpora(corpus, flags, {
      out,
      s3: corpusS3Options(flags),
      signal,
      note: hooks.note,
      releasers,
    });
    const models = await Promise.all(
      flags.fra.map(async (asked) => ({ asked, model: await openAskedFraModel(asked) })),
    );
    const recognizers = await openRecognizers(flags, models, hooks.note);
    const pairs = await openPairs(flags.pairs, recognizers);
    await makeOut(out);
    const result = await evaluate({
      corpora,
      recognizers,
      models,
      pairs,
      settings: settingsOf(flags),
      threads: flags.threads,
      work: workFolder(out),
      command,
      clock: Date.now,
      hooks,
    });
    await writeResult(out, result);
    reporter.clear();
    printResult(flags, result, formatResult(result));
    hooks.note(`report: ${join(out, 'report.html')}; numbers: ${join(out, 'evaluation.json')}`);
  });
}

function settingsOf(flags: EvaluateFlags): EvaluationSettings {
  return {
    folds: flags.folds,
    seeds: flags.seeds,
    seed: flags.seed,
    enrol: flags.enrol,
    variants: flags.variants,
    probes:
      flags.minYaw === undefined
        ? { rule: 'most-turned', count: flags.probes }
        : { rule: 'min-yaw', degrees: flags.minYaw },
    tasks: flags.tasks,
    shuffleLabels: flags.shuffleLabels === true,
    allowLeakage: flags.allowLeakage === true,
    subjectPrefix: flags.subjectPrefix,
    detector: flags.detector,
  };
}

async function writeResult(out: string, result: EvaluationResult): Promise<void> {
  await writeWhole(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeWhole(join(out, 'report.html'), renderReport(result));
}

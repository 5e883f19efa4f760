/** `posecast bench`: what this machine does, stage by stage and end to end, in one run. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { recordedFraModel } from '../fra/fraModel.ts';
import { TABLE_FORMATS } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { usableCores } from '../shared/machine/cores.ts';
import { packageRoot } from '../shared/package.ts';
import { openThreadPool } from '../shared/threads/threadPool.ts';
import type { MeasureOptions } from '../worker/measure/measureStages.ts';
import type { StageRate } from '../worker/measure/stageMeter.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import { libjpegTurboFile } from '../worker/stages/libjpegTurbo.ts';
import { tuneGarbageCollection } from '../worker/threads/tuneGarbageCollection.ts';
import { listBenchCorpus, locateBenchCorpus, readPhotographs } from './bench/benchCorpus.ts';
import { spread, spreadPeople } from './bench/benchPhotographs.ts';
import { compareBench, formatBench, formatStandIn, meanRates } from './bench/benchReport.ts';
import { measureWholeRun } from './bench/benchWholeRun.ts';
import { addComputeOptions, type ComputeFlags, computeOptions } from './options/computeOptions.ts';
import { detectorOption, fraOption, recognizerOption } from './options/modelOptions.ts';
import { positiveInteger, someText, variants } from './options/optionValues.ts';

const PARTS = ['real', 'dummy'] as const;

interface Flags extends ComputeFlags {
  readonly faces: number;
  readonly variants: number;
  readonly detector: string;
  readonly recognizer: string;
  readonly fra?: string;
  readonly aligned: boolean;
  readonly withPostureCode: boolean;
  readonly withoutPose: boolean;
  readonly followLinks: boolean;
  readonly format: (typeof TABLE_FORMATS)[number];
  readonly model: (typeof PARTS)[number];
  readonly sink: (typeof PARTS)[number];
  readonly json: boolean;
}

/** Photographs that the stages are measured on, from all over those of the whole run. */
const STAGE_PHOTOGRAPHS = 24;
const SECONDS_PER_STAGE = 1.5;

export function benchCommand(): Command {
  const command = new Command('bench')
    .description(
      'Measures this machine: each stage alone on one thread, a whole run through Redis to committed tables, and the ' +
        'same without the models; says what holds it up and what would help.',
    )
    .argument(
      '[CORPUS]',
      'a folder with a folder per person',
      someText,
      join(packageRoot, 'samples', 'london'),
    )
    .option(
      '--faces <n>',
      'photographs of the whole run; those of the corpus are repeated',
      positiveInteger,
      480,
    )
    .option('--variants <n>', 'variants per person in the whole run', variants, 10)
    .addOption(detectorOption())
    .addOption(recognizerOption())
    .addOption(fraOption())
    .option('--aligned', 'the photographs are aligned crops: nothing is detected', false)
    .option('--with-posture-code', 'the table holds posture codes of the photographs', false)
    .option('--without-pose', 'no poses are measured (with --variants 0)', false)
    .option('--follow-links', 'read links that lead out of the corpus (default: they are rejects)', false)
    .addOption(new Option('--format <name>', 'of the table').choices(TABLE_FORMATS).default('parquet'))
    .addOption(
      new Option(
        '--model <name>',
        'dummy: only a whole run whose models answer at once, so that reading, queue and tables remain',
      )
        .choices(PARTS)
        .default('real'),
    )
    .addOption(
      new Option('--sink <name>', 'dummy: only a whole run that encodes and writes no embeddings')
        .choices(PARTS)
        .default('real'),
    )
    .option('--json', 'one JSON object instead of a table', false)
    .addHelpText('after', EXAMPLES);
  return addComputeOptions(command).action(bench);
}

const EXAMPLES = `
Examples:
  posecast bench                                         the samples, every core
  posecast bench /data/faces --faces 5000                your own photographs; the longer, the steadier
  posecast bench /data/crops --aligned --device cuda
  posecast bench /data/crops --aligned --variants 0 --without-pose    embeddings and nothing else
  posecast bench /data/faces --model dummy               what disk, queue and tables sustain
  posecast bench /data/faces --model dummy --sink dummy  what disk and queue sustain
`;

async function bench(corpus: string, flags: Flags): Promise<void> {
  if (flags.withoutPose && flags.variants > 0) {
    throw new ConfigError('bad-config', '--without-pose needs --variants 0', { variants: flags.variants });
  }
  const compute = await computeOptions(flags);
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const { followLinks } = flags;
  const found = { root: await locateBenchCorpus(corpus), followLinks };
  const records = await listBenchCorpus(found, note);
  const print = (facts: object, text: string) =>
    process.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : text);
  const { device, threads, engine = 'onnx' } = compute;
  const standIns = { models: flags.model === 'dummy', tables: flags.sink === 'dummy' };
  const wholeRun = (without: typeof standIns) => {
    const { faces, variants, detector, recognizer, fra, format, batch } = flags;
    const { aligned, withPostureCode, withoutPose } = flags;
    const options = { faces, variants, detector, recognizer, fra, format, batch, device, threads, engine };
    const switches = { aligned, withPostureCode, withoutPose, followLinks };
    return measureWholeRun(found.root, records, { ...options, ...switches, standIns: without });
  };
  if (standIns.models || standIns.tables) {
    note(`whole run with stand-ins, ${flags.faces} photographs …`);
    const whole = await wholeRun(standIns);
    const facesPerSecond = whole.totals.faces / whole.workSeconds;
    return void print({ standIns, facesPerSecond, ...whole }, formatStandIn(whole, standIns));
  }
  const assets = {
    ...flags,
    fra: recordedFraModel(flags.fra, flags.recognizer),
    minSimilarity: null,
    withLandmarks: false,
  };
  const { models, fra } = await openRunAssets(assets, note);
  const chosen = spread(spreadPeople(records, flags.faces), STAGE_PHOTOGRAPHS);
  const photographs = await readPhotographs(found, chosen);
  const stagesAlone = () =>
    measureStages({
      models,
      ...(fra && {
        fra: {
          engine,
          folder: fra.folder,
          combinerPath: fra.paths.combiner,
          postureCodes: fra.bank.codes,
          ...(flags.withPostureCode && { encoderPath: fra.paths.encoder }),
        },
      }),
      session: { device, intraOpThreads: 1 },
      aligned: flags.aligned,
      format: flags.format,
      photographs,
      secondsPerStage: SECONDS_PER_STAGE,
    });
  note(`stages alone, one thread, ${SECONDS_PER_STAGE} s each …`);
  const before = await stagesAlone();
  note(`whole run, ${flags.faces} photographs …`);
  const whole = await wholeRun(standIns);
  note('the stages once more: a machine may have changed its pace …');
  const stages = meanRates(before, await stagesAlone());
  note('the same without the models …');
  const withoutModels = await wholeRun({ ...standIns, models: true });
  const cores = device === 'cpu' ? Math.min(threads, usableCores()) : null;
  const report = compareBench(stages, whole, withoutModels, cores);
  const place = { device, hasLibjpegTurbo: libjpegTurboFile !== undefined };
  print({ stages, ...report }, formatBench(stages, report, place));
}

/** The stages in a thread that is set up as model threads are; it ends with them. */
async function measureStages(options: MeasureOptions): Promise<StageRate[]> {
  tuneGarbageCollection();
  const file = new URL('../worker/measure/measureThread.js', import.meta.url);
  const thread = await openThreadPool<MeasureOptions, StageRate[]>({
    name: 'measuring',
    file,
    size: 1,
    init: undefined,
  });
  try {
    return await thread.run(options);
  } finally {
    await thread.close();
  }
}

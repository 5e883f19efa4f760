/** `posecast bench`: what this machine does, stage by stage and end to end, in one run. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { openFolderCorpus } from '../producer/readers/folder.ts';
import { TABLE_FORMATS } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { packageRoot } from '../shared/package.ts';
import { measureStages, type StageRate } from '../worker/measureStages.ts';
import { openRunAssets } from '../worker/runAssets.ts';
import { addComputeOptions, type ComputeFlags, computeOptions, positiveInteger } from './computeOptions.ts';
import { count } from './liveLine.ts';

interface Flags extends ComputeFlags {
  readonly faces: number;
  readonly variants: number;
  readonly detector: string;
  readonly recognizer: string;
  readonly aligned: boolean;
  readonly format: (typeof TABLE_FORMATS)[number];
  readonly json: boolean;
}

/** Photographs that the stages are measured on. */
const STAGE_PHOTOGRAPHS = 24;
const SECONDS_PER_STAGE = 1.5;

export function benchCommand(): Command {
  const command = new Command('bench')
    .description(
      'Measures this machine: each stage alone on one thread, and a whole run through Redis to Parquet.',
    )
    .argument('[CORPUS]', 'a folder with a folder per person', join(packageRoot, 'samples', 'london'))
    .option(
      '--faces <n>',
      'photographs of the whole run; those of the corpus are repeated',
      positiveInteger,
      480,
    )
    .option('--variants <n>', 'variants per person in the whole run', positiveInteger, 10)
    .option('--detector <name>', 'detector of the registry', 'fr-detect')
    .option('--recognizer <name>', 'recogniser of the registry', 'fr-feature')
    .option('--aligned', 'the photographs are aligned crops: nothing is detected', false)
    .addOption(new Option('--format <name>', 'of the table').choices(TABLE_FORMATS).default('parquet'))
    .option('--json', 'one JSON object instead of a table', false);
  return addComputeOptions(command).action(bench);
}

async function bench(corpus: string, flags: Flags): Promise<void> {
  const compute = await computeOptions(flags);
  const root = resolve(corpus);
  const records = await listCorpus(root);
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const { models, fra } = await openRunAssets(
    { ...flags, fra: flags.recognizer, withPostureCode: false },
    note,
  );
  note(`stages alone, one thread, ${SECONDS_PER_STAGE} s each …`);
  const stages = await measureStages({
    models,
    ...(fra && { fra: { encoderPath: fra.paths.encoder, combinerPath: fra.paths.combiner } }),
    session: { device: compute.device, intraOpThreads: 1 },
    aligned: flags.aligned,
    format: flags.format,
    photographs: await Promise.all(
      records.slice(0, STAGE_PHOTOGRAPHS).map(({ uri }) => readFile(join(root, uri))),
    ),
    secondsPerStage: SECONDS_PER_STAGE,
  });
  note(`whole run, ${flags.faces} photographs …`);
  const whole = await measureWholeRun(root, records, flags, compute.threads);
  const report = compare(stages, whole, compute.threads);
  process.stdout.write(
    flags.json ? `${JSON.stringify({ stages, ...report })}\n` : formatReport(stages, report),
  );
}

async function listCorpus(root: string): Promise<FaceRecord[]> {
  const records: FaceRecord[] = [];
  const reader = await openFolderCorpus(root);
  for await (const record of reader.faces()) records.push(record);
  if (records.length > 0) return records;
  throw new ConfigError('empty-corpus', 'corpus: expected at least one photograph, found none', {
    path: root,
  });
}

const completeSchema = z.object({
  event: z.literal('complete'),
  workSeconds: z.number().positive(),
  longestBlockMs: z.number(),
  peakMemory: z.number(),
  totals: z.object({ faces: z.number(), variants: z.number(), subjects: z.number() }),
});

type WholeRun = z.infer<typeof completeSchema>;

/** `posecast run` on the corpus repeated, each repetition as other people. */
async function measureWholeRun(
  root: string,
  records: readonly FaceRecord[],
  flags: Flags,
  threads: number,
): Promise<WholeRun> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-bench-'));
  try {
    const rows = Array.from({ length: flags.faces }, (_, i) => {
      const { faceId, subjectId, uri } = records[i % records.length]!;
      const round = Math.floor(i / records.length);
      return [`${faceId}@${round}`, `${subjectId}@${round}`, uri].map(csvCell).join(',');
    });
    const list = join(folder, 'faces.csv');
    await writeFile(list, ['face_id,subject_id,path', ...rows, ''].join('\n'));
    const { detector, recognizer, device } = flags;
    const options = { detector, recognizer, device, threads, variants: flags.variants, 'image-root': root };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        join(packageRoot, 'bin', 'posecast.js'),
        'run',
        list,
        join(folder, 'out'),
        '--json',
        // Enough shards that reading and committing one overlaps the computing of another.
        '--shard-faces',
        String(Math.max(1, Math.ceil(flags.faces / 8))),
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
        ...(flags.batch === undefined ? [] : ['--batch', String(flags.batch)]),
        ...(flags.aligned ? ['--aligned'] : []),
        ...['--format', flags.format],
      ],
      { maxBuffer: 64 * 2 ** 20 },
    );
    return completeSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface BenchReport {
  readonly threads: number;
  readonly facesPerSecond: number;
  readonly variantsPerSecond: number;
  /** Faces a second if every stage ran at its own rate, spread perfectly over the threads. */
  readonly limitFacesPerSecond: number;
  /** facesPerSecond / limitFacesPerSecond. */
  readonly utilisation: number;
  /** The stage that takes most of a face's time. */
  readonly bottleneck: string;
  readonly longestBlockMs: number;
  /** Of the whole run's process, resident, in bytes. */
  readonly peakMemory: number;
}

function compare(stages: readonly StageRate[], whole: WholeRun, threads: number): BenchReport {
  const { faces, variants } = whole.totals;
  const itemsPerFace = { faces: 1, variants: variants / faces, rows: 1 + variants / faces };
  // Seconds of one thread that a photograph costs, its share of the variants included.
  const costs = stages.map(({ stage, unit, perSecond }) => ({
    stage,
    seconds: itemsPerFace[unit] / perSecond,
  }));
  const limit = threads / costs.reduce((sum, { seconds }) => sum + seconds, 0);
  const facesPerSecond = faces / whole.workSeconds;
  return {
    threads,
    facesPerSecond,
    variantsPerSecond: variants / whole.workSeconds,
    limitFacesPerSecond: limit,
    utilisation: facesPerSecond / limit,
    bottleneck: costs.reduce((a, b) => (b.seconds > a.seconds ? b : a)).stage,
    longestBlockMs: whole.longestBlockMs,
    peakMemory: whole.peakMemory,
  };
}

function formatReport(stages: readonly StageRate[], report: BenchReport): string {
  const rows = stages.map(({ stage, unit, perSecond, batch }) =>
    [
      stage.padEnd(10),
      `${count(perSecond).padStart(8)} ${unit}/s`,
      `${(1000 / perSecond).toFixed(2).padStart(8)} ms`,
      `${batch} at a time`,
    ].join('  '),
  );
  const { threads, facesPerSecond, variantsPerSecond, limitFacesPerSecond, utilisation } = report;
  return [
    'each stage alone, one thread',
    ...rows.map((row) => `  ${row}`),
    '',
    `whole run, ${threads} threads: photographs → Redis → committed Parquet`,
    `  ${facesPerSecond.toFixed(1)} faces/s, ${variantsPerSecond.toFixed(0)} variants/s`,
    `  ${(100 * utilisation).toFixed(0)} % of ${limitFacesPerSecond.toFixed(1)} faces/s, the sum of the stages spread over the threads`,
    `  most of a face's time goes to: ${report.bottleneck}`,
    `  lock thread busy at most ${report.longestBlockMs.toFixed(0)} ms; memory ${(report.peakMemory / 1e6).toFixed(0)} MB at most`,
    '',
  ].join('\n');
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

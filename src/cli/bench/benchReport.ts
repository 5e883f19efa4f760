/** What the measurements of `posecast bench` mean: the limit, how near a run comes to it, and what would help. */

import { count } from '../../shared/text/counted.ts';
import type { StageRate } from '../../worker/measure/stageMeter.ts';
import type { StandIns } from '../../worker/measure/standIns.ts';
import { LIBJPEG_TURBO_ADVICE } from '../../worker/stages/libjpegTurbo.ts';
import { countsByCode } from '../output/format.ts';
import type { WholeRun } from './benchWholeRun.ts';

export interface BenchReport {
  /** Cores that the models use: no more than there are threads; null where a GPU runs them. */
  readonly cores: number | null;
  /** Photographs a second, rejected ones too. */
  readonly facesPerSecond: number;
  readonly variantsPerSecond: number;
  /** Of the photographs of the whole run. */
  readonly rejected: number;
  readonly rejectsByCode: Readonly<Record<string, number>>;
  /**
   * Photographs a second if what the stages cost alone were spread perfectly over these cores; null where a GPU runs
   * them: all threads share it, and what one thread gets of it alone says neither what it bears nor what the cores do.
   */
  readonly limitFacesPerSecond: number | null;
  /** facesPerSecond / limitFacesPerSecond. */
  readonly utilisation: number | null;
  /** The same run with models that answer at once: reading, queue, tables and commits alone. */
  readonly withoutModelsFacesPerSecond: number;
  /** How long that run took. */
  readonly withoutModelsSeconds: number;
  /** What most of a face's time goes to: a stage, or 'reading, queue and tables'. */
  readonly bottleneck: string;
  /** The share of a face's time that goes to it, 0–1. */
  readonly bottleneckShare: number;
  readonly longestBlockMs: number;
  /** Of the whole run's process, resident, in bytes. */
  readonly peakMemory: number;
}

/** As a photograph passes them: where it is rejected it leaves. */
const STAGES_OF_PHOTOGRAPHS = ['read', 'decode', 'detect', 'landmarks', 'pose', 'align', 'embed', 'posture'];
/** Of a crop its size is looked at in place of aligning it, as soon as it is decoded. */
const STAGES_OF_CROPS = ['read', 'decode', 'align', 'landmarks', 'pose', 'embed', 'posture'];

const REST = 'reading, queue and tables';

/** Below this share of the limit something else than the stages takes the time. */
const WELL_USED = 0.75;

/** Of a run of fewer seconds a good part is its start. */
const SHORT_SECONDS = 10;
const MORE_FACES = 'more --faces, if the run was short: the first and the last seconds of a run are not full';

export function compareBench(
  stages: readonly StageRate[],
  whole: WholeRun,
  withoutModels: WholeRun,
  cores: number | null,
): BenchReport {
  const { faces, rejected, variants } = whole.totals;
  const { rejectsByCode } = whole;
  const order = stages.some(({ stage }) => stage === 'detect') ? STAGES_OF_PHOTOGRAPHS : STAGES_OF_CROPS;
  const itemsPerFace = ({ stage, unit }: StageRate): number => {
    if (unit === 'variants') return variants / faces;
    if (unit === 'rows') return (faces - rejected + variants) / faces;
    return 1 - rejectedBefore(stage, order, rejectsByCode) / faces;
  };
  // Seconds of a core that a photograph costs, its share of the variants included.
  const costs = stages.map((rate) => ({
    stage: rate.stage,
    seconds: itemsPerFace(rate) * rate.coreSeconds,
  }));
  const sum = costs.reduce((total, { seconds }) => total + seconds, 0);
  const facesPerSecond = faces / whole.workSeconds;
  const withoutModelsFacesPerSecond = withoutModels.totals.faces / withoutModels.workSeconds;
  const slowest = costs.reduce((a, b) => (b.seconds > a.seconds ? b : a));
  const limitFacesPerSecond = cores === null ? null : cores / sum;
  // What goes on beside the models holds a run up where it takes longer than they do together.
  const restHoldsUp =
    limitFacesPerSecond === null
      ? facesPerSecond > WELL_USED * withoutModelsFacesPerSecond
      : withoutModelsFacesPerSecond < limitFacesPerSecond;
  return {
    cores,
    facesPerSecond,
    variantsPerSecond: variants / whole.workSeconds,
    rejected,
    rejectsByCode,
    limitFacesPerSecond,
    utilisation: limitFacesPerSecond === null ? null : facesPerSecond / limitFacesPerSecond,
    withoutModelsFacesPerSecond,
    withoutModelsSeconds: withoutModels.workSeconds,
    bottleneck: restHoldsUp ? REST : slowest.stage,
    bottleneckShare: restHoldsUp
      ? Math.min(1, facesPerSecond / withoutModelsFacesPerSecond)
      : slowest.seconds / sum,
    longestBlockMs: whole.longestBlockMs,
    peakMemory: whole.peakMemory,
  };
}

/** Photographs that never reach a stage. */
function rejectedBefore(
  stage: string,
  order: readonly string[],
  rejectsByCode: Readonly<Record<string, number>>,
): number {
  const passed = order.slice(0, order.indexOf(stage));
  return Object.entries(rejectsByCode)
    .filter(([code]) => passed.includes(code.split('/')[0]!))
    .reduce((sum, [, photographs]) => sum + photographs, 0);
}

/**
 * The stages as they were before and after a run: what an item takes is the mean, the batch that of the faster time.
 */
export function meanRates(before: readonly StageRate[], after: readonly StageRate[]): StageRate[] {
  return before.map((first, i) => {
    const second = after[i]!;
    return {
      ...first,
      perSecond: 2 / (1 / first.perSecond + 1 / second.perSecond),
      coreSeconds: (first.coreSeconds + second.coreSeconds) / 2,
      batch: (second.perSecond > first.perSecond ? second : first).batch,
    };
  });
}

/** Where it was measured. */
export interface BenchPlace {
  readonly device: string;
  /** Whether JPEGs are decoded by libjpeg-turbo. */
  readonly hasLibjpegTurbo: boolean;
}

/** What a person can change, the most effective first. */
export function adviceOf(report: BenchReport, { device, hasLibjpegTurbo }: BenchPlace): string[] {
  const { bottleneck, utilisation, limitFacesPerSecond, withoutModelsFacesPerSecond } = report;
  if (bottleneck === REST) {
    return [
      ...(report.withoutModelsSeconds < SHORT_SECONDS ? [MORE_FACES] : []),
      `reading, queue and tables alone do ${rate(withoutModelsFacesPerSecond)}, less than the models could`,
      'with --sink dummy as well it shows whether tables are what is slow: then --format arrow, or a faster OUT',
      'else photographs come too slowly: a faster or nearer disk, packed archives in place of single files',
    ];
  }
  const advice: string[] = [];
  if (utilisation !== null && limitFacesPerSecond !== null && utilisation < WELL_USED) {
    advice.push(
      `the stages could do ${rate(limitFacesPerSecond)}: look for other programs on these cores, or try other --threads`,
      MORE_FACES,
    );
  }
  if (!hasLibjpegTurbo) advice.push(LIBJPEG_TURBO_ADVICE);
  if (bottleneck === 'decode')
    advice.push('most time goes to decoding: smaller photographs, or aligned crops with --aligned');
  else if (device === 'cpu')
    advice.push('the networks are the limit: a GPU (posecast devices), or more machines (posecast work)');
  else advice.push('the device is the limit: a faster one, or more machines');
  return advice;
}

export function formatBench(stages: readonly StageRate[], report: BenchReport, place: BenchPlace): string {
  const { cores, facesPerSecond, variantsPerSecond } = report;
  return [
    'each stage alone, one thread',
    ...stages.map((stage) => `  ${formatStage(stage)}`),
    '',
    `whole run on ${cores === null ? place.device : `${cores} cores`}: photographs → Redis → committed tables`,
    `  ${rate(facesPerSecond)}, ${count(variantsPerSecond)} variants/s`,
    ...rejectLines(report),
    `  ${limitLine(report)}`,
    `  ${rate(report.withoutModelsFacesPerSecond)} without the models: reading, queue, tables and commits`,
    `  lock thread busy at most ${report.longestBlockMs.toFixed(0)} ms; memory ${(report.peakMemory / 1e6).toFixed(0)} MB at most`,
    '',
    `bottleneck: ${report.bottleneck}, ${percent(report.bottleneckShare)} of a face's time`,
    ...adviceOf(report, place).map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function limitLine({ limitFacesPerSecond, utilisation }: BenchReport): string {
  if (limitFacesPerSecond === null || utilisation === null) {
    return 'no limit is given: the threads share the device, and one thread alone does not say what it bears';
  }
  return `${percent(utilisation)} of ${rate(limitFacesPerSecond)}, the sum of the stages spread over them`;
}

/** A run with stand-ins: no stage is compared, only the rest remains. */
export function formatStandIn(whole: WholeRun, standIns: Required<StandIns>): string {
  const { faces, variants } = whole.totals;
  const without = [...(standIns.models ? ['models'] : []), ...(standIns.tables ? ['tables'] : [])];
  return [
    `whole run without ${without.join(' and ')}`,
    `  ${rate(faces / whole.workSeconds)}, ${count(variants / whole.workSeconds)} variants/s`,
    ...rejectLines({ rejected: whole.totals.rejected, rejectsByCode: whole.rejectsByCode }),
    `  lock thread busy at most ${whole.longestBlockMs.toFixed(0)} ms; memory ${(whole.peakMemory / 1e6).toFixed(0)} MB at most`,
    '',
  ].join('\n');
}

/** Every reason with its number, the commonest first. */
function rejectLines({ rejected, rejectsByCode }: Pick<BenchReport, 'rejected' | 'rejectsByCode'>): string[] {
  if (rejected === 0) return [];
  return [`  ${count(rejected)} photographs rejected: ${countsByCode(rejectsByCode).join(', ')}`];
}

function formatStage({ stage, unit, perSecond, coreSeconds, batch }: StageRate): string {
  return [
    stage.padEnd(10),
    `${count(perSecond).padStart(8)} ${`${unit}/s`.padEnd(10)}`,
    `${(1000 * coreSeconds).toFixed(2).padStart(6)} ms of a core`,
    `${batch} at a time`,
  ].join('  ');
}

function rate(facesPerSecond: number): string {
  return `${facesPerSecond < 100 ? facesPerSecond.toFixed(1) : count(facesPerSecond)} faces/s`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
